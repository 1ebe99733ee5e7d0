"""How two policies differ, for a terminal and for a pull request.

Names and paths of files enter as plain text, never as markup.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from evalsuite.gates import Change, Difference, Policy
from evalsuite.gates.policydiff import Absent
from evalsuite.report.markdown import LIMIT, escape
from evalsuite.report.safetext import one_line

WIDTH = 79
_LONGEST = 200
"""Characters of one value that are shown."""
_MOST = 400
"""Characters of a reason that are shown."""


def groups(found: Sequence[Difference]) -> Iterator[tuple[str, list[Difference]]]:
    """Yield each heading and what stands under it: by direction, then what one policy lacks."""
    for change in Change:
        some = [one for one in found if one.change is change and not one.only]
        yield change.value, some
    for only in ("A", "B"):
        for change in Change:
            some = [one for one in found if one.change is change and one.only == only]
            yield f"only in {only}, {change}", some


def policy_diff_text(a: Policy, b: Policy, found: Sequence[Difference]) -> str:
    """Return lines of at most 79 characters, values apart that are longer."""
    lines = [
        f"A {a.name}, digest {a.digest[:12]}",
        f"B {b.name}, digest {b.digest[:12]}",
        *textwrap.wrap(policy_diff_sentence(a, b, found), WIDTH),
    ]
    for heading, some in groups(found):
        if some:
            lines += ["", f"{heading} ({len(some)})"]
        for one in some:
            lines.append(f"  {one.path}")
            told = f"{shown(one.a)} -> {shown(one.b)}: {one_line(one.why, _MOST)}"
            lines += textwrap.wrap(
                told,
                WIDTH,
                initial_indent="    ",
                subsequent_indent="      ",
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def policy_diff_sentence(a: Policy, b: Policy, found: Sequence[Difference]) -> str:
    """Say how many differences of each direction there are."""
    if not found and a.digest == b.digest:
        return "The same policy."
    if not found:
        return "They ask and accept the same; only words differ, such as the name."
    counts = {change: sum(one.change is change for one in found) for change in Change}
    told = ", ".join(f"{n} {change}" for change, n in counts.items() if n)
    return f"B against A: {told}."


def policy_diff_markdown(a: Policy, b: Policy, found: Sequence[Difference]) -> str:
    """Return a comment for a pull request: what is looser first."""
    looser = any(one.change is Change.LOOSER for one in found)
    head = "⚠ Looser" if looser else "Not looser" if found else "The same"
    lines = [
        f"# {head}: policy {escape(b.name)} against {escape(a.name)}",
        "",
        f"{escape(policy_diff_sentence(a, b, found))} A is {escape(a.name)} "
        f"(digest {a.digest[:12]}), B is {escape(b.name)} (digest {b.digest[:12]}).",
    ]
    for heading, some in groups(found):
        if some:
            lines += ["", f"## {heading[:1].upper()}{heading[1:]} ({len(some)})", ""]
            lines += ["| key | A | B | why |", "|---|---|---|---|"]
        for at, one in enumerate(some):
            cells = (one.path, shown(one.a), shown(one.b), one_line(one.why, _MOST))
            row = f"| {' | '.join(map(escape, cells))} |"
            # It is posted as a comment, which GitHub refuses whole when it is too long.
            if sum(map(len, lines)) + len(row) > LIMIT:
                lines.append(f"| and {len(some) - at} more | | | |")
                break
            lines.append(row)
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """A value of a policy on one line, as short as it is clear."""
    if isinstance(value, Absent):
        return "absent"
    return one_line(_plain(value), _LONGEST)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_plain(one)}' for key, one in value.items())}}}"
    return json.dumps(value)
