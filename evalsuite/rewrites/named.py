"""Does the rewrite name what is meant, whole, and nothing that is not?

Where the case says what must be named, that is asked. Of an imported case it is also read off its
accepted rewrites: what they hold, the query does not, and the history says in a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import same
from evalsuite.rewrites.judgement import Finding, Standard
from evalsuite.rewrites.names import occurrences, outside, says, short_forms
from evalsuite.rewrites.pronouns import Family, bound, referring
from evalsuite.rewrites.restored import is_restored, missing_pieces, restored
from evalsuite.rewrites.strangers import strangers
from evalsuite.rewrites.words import words


def named(case: Case, answer: str, standard: Standard) -> tuple[Finding, ...]:
    """Every way in which an answer does not say what is meant."""
    if not words(answer):
        return (Finding("The answer holds no word."),)
    meant = _meant(case, answer)
    found = [*_missing(meant), *_distractors(case, answer, meant)]
    if standard is Standard.AUTHORED:
        spans = [span for places in meant.values() for span in places]
    else:
        asked = restored(case)
        found = found or [*missing_pieces(case, answer, asked, standard)]
        found += strangers(case, answer, asked)
        spans = [*is_restored(answer, asked)]
    if found and same(answer, case.query):
        return (_as_it_is(case, answer),)
    return (*found, *_open(case, answer, spans))


def _as_it_is(case: Case, answer: str) -> Finding:
    left = tuple(span for span, _ in referring(answer, _names_in(case, answer)))
    return Finding("The query was returned as it is, though it does not stand alone.", left)


def _meant(case: Case, answer: str) -> dict[str, tuple[Span, ...]]:
    """Where the answer says each name that it must, in whatever form the case allows."""
    texts = (*(m.content for m in case.history), case.query, *case.expect.rewrites)
    found: dict[str, tuple[Span, ...]] = {}
    for name in case.expect.must_name:
        longer = [s for n in case.expect.must_not_name for s in occurrences(answer, n)]
        places = outside(occurrences(answer, name, among=texts), longer)
        for other in () if places else _other_forms(case, name, texts):
            places += occurrences(answer, other)
        found[name] = places
    return found


def _other_forms(case: Case, name: str, texts: Sequence[str]) -> Iterator[str]:
    alone = len(case.expect.must_name) == 1
    yield from (alias for alias in case.expect.aliases if alone or says(name, alias))
    yield from short_forms(name, texts)


def _missing(meant: dict[str, tuple[Span, ...]]) -> list[Finding]:
    missing = [name for name, places in meant.items() if not places]
    return [Finding(f"The answer does not name {listed(missing)}.")] if missing else []


def _distractors(case: Case, answer: str, meant: dict[str, tuple[Span, ...]]) -> list[Finding]:
    longer = [span for places in meant.values() for span in places]
    found = [
        span
        for name in case.expect.must_not_name
        for span in outside(occurrences(answer, name), longer)
    ]
    if not found:
        return []
    names = listed(list(dict.fromkeys(span.label for span in found)))
    return [Finding(f"The answer names {names}, which is not meant.", tuple(found))]


def _open(case: Case, answer: str, meant: Sequence[Span]) -> list[Finding]:
    """Pronouns of the query that are still there, bound by nothing and kept by no rewrite."""
    asked = _families(case.query, _names_in(case, case.query))
    left = [item for item in referring(answer, _names_in(case, answer)) if item[1] in asked]
    left += _before_names(case, answer, meant)
    return _said_open(case, answer, meant, left)


def _said_open(
    case: Case, answer: str, meant: Sequence[Span], left: Sequence[tuple[Span, Family]]
) -> list[Finding]:
    kept: Counter[Family] = Counter()
    for rewrite in case.expect.rewrites:
        kept |= _families(rewrite, _names_in(case, rewrite))
    count = Counter(family for _, family in left)
    spans = tuple(
        span
        for span, family in left
        if count[family] > kept[family] and not bound(answer, span, meant)
    )
    if not spans:
        return []
    said = listed(list(dict.fromkeys(answer[s.start : s.end] for s in spans)))
    return [Finding(f"The answer still says {said}, which the query left open.", spans)]


def _before_names(case: Case, answer: str, meant: Sequence[Span]) -> Iterator[tuple[Span, Family]]:
    """Ordinals of the query that now count what is named behind them: 第二个按摩椅."""
    for match in _ORDINAL.finditer(case.query):
        said = match.group()
        for name in meant:
            start = name.start - len(said)
            if start >= 0 and answer[start : name.start] == said:
                yield Span(start, name.start, "pronoun"), Family.ORDINAL


_ORDINAL = re.compile("第[一二三四五]个|[前后]者")


def _families(text: str, names: Sequence[Span]) -> Counter[Family]:
    return Counter(family for _, family in referring(text, names))


def _names_in(case: Case, text: str) -> tuple[Span, ...]:
    known = (*case.expect.must_name, *case.expect.must_not_name)
    return tuple(span for name in known for span in occurrences(text, name))


def listed(names: Iterable[str]) -> str:
    """Names in quotes, separated by commas."""
    return ", ".join(f'"{name}"' for name in names)
