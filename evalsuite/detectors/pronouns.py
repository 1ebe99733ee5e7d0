"""Does the rewrite say what the query left unsaid, and nothing else?

Judged without another model: the case carries what must be named, what must not, and what is
accepted word for word. Every reason to fail is one that can be read off the answer; where a case
does not say enough, the softer check is named in the explanation instead of a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from evalsuite.cases import Case
from evalsuite.detectors.lexicon import Family, carries_content, pronoun_ranges
from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.text import find_names, fold, same, tokens
from evalsuite.generation import Finish

_DETECTOR = Detector.PRONOUN_RESOLUTION

_TIMES = 3
"""A rewrite longer than this many queries (and its entities) answers instead of asking."""
_SHORT = 5
"""A query shorter than this counts as this long: "Why?" needs more than three words to restore."""


@dataclass(frozen=True, slots=True)
class _Finding:
    reason: str
    spans: tuple[Span, ...] = ()


def resolve(case: Case, answer: str) -> Score:
    """Judge one rewrite: loss 1 with every reason found, or 0.

    An accepted rewrite (up to case, width, spacing and final punctuation) always has loss 0.
    Otherwise any of these is a defect: nothing was answered; a query that must stay unchanged was
    changed; a query that must be rewritten was not; an expected entity is missing; a distractor is
    named; a pronoun of the query is still there; the answer is much longer than a rewrite.
    A case that names no entity is judged by the content words of the history that its rewrites
    restore: those of at least half of them, and at least half of those.
    """
    if not fold(answer).text:
        return Score(_DETECTOR, case.id, 1.0, "The answer is empty.")
    accepted = (case.query,) if case.expect.unchanged else case.expect.rewrites
    if any(same(answer, rewrite) for rewrite in accepted):
        kept = "The query is unchanged, as it must be."
        said = kept if case.expect.unchanged else "The answer is an accepted rewrite."
        return Score(_DETECTOR, case.id, 0.0, said)
    if not tokens(answer):
        return Score(_DETECTOR, case.id, 1.0, "The answer holds no word.")
    findings = _changed(case, answer) if case.expect.unchanged else _unresolved(case, answer)
    if not findings:
        return Score(_DETECTOR, case.id, 0.0, _praise(case))
    # Each once, and at one place in the order of the findings: a set would order them by chance.
    found = dict.fromkeys(span for finding in findings for span in finding.spans)
    spans = sorted(found, key=lambda span: (span.start, span.end))
    return Score(_DETECTOR, case.id, 1.0, " ".join(f.reason for f in findings), tuple(spans))


def resolve_output(case: Case, answer: str, finish: Finish | None) -> Score:
    """Judge what a model generated: as :func:`resolve`, and 1 when it was cut off."""
    score = resolve(case, answer)
    if finish is Finish.LENGTH and score.value == 0.0:
        said = "The answer did not end: it ran into the length limit."
        return Score(_DETECTOR, case.id, 1.0, said)
    return score


def _praise(case: Case) -> str:
    if case.expect.must_name:
        return f"The answer names {_listed(case.expect.must_name)} and nothing that it must not."
    return "The case names no entity; the answer restores most of what its rewrites restore."


def _changed(case: Case, answer: str) -> list[_Finding]:
    reason = "The query had to stay unchanged, but it was changed."
    return [_Finding(reason, _difference(case.query, answer)), *_distractors(case, answer)]


def _unresolved(case: Case, answer: str) -> list[_Finding]:
    return [
        *_untouched(case, answer),
        *_missing(case, answer),
        *_distractors(case, answer),
        *_pronouns(case, answer),
        *_too_long(case, answer),
    ]


def _untouched(case: Case, answer: str) -> list[_Finding]:
    if case.expect.rewrites and same(answer, case.query):
        return [_Finding("The query was returned as it is, though it does not stand alone.")]
    return []


def _names(case: Case, answer: str) -> tuple[Span, ...]:
    return find_names(answer, (*case.expect.must_name, *case.expect.must_not_name))


def _missing(case: Case, answer: str) -> list[_Finding]:
    if not case.expect.must_name:
        return _missing_words(case, answer)
    named = {span.label for span in _names(case, answer)}
    missing = [name for name in case.expect.must_name if name not in named]
    return [_Finding(f"The answer does not name {_listed(missing)}.")] if missing else []


def _missing_words(case: Case, answer: str) -> list[_Finding]:
    """Half of the words that the rewrites agree on are demanded: annotators differ in the rest."""
    restored = _restored_words(case)
    absent = restored - _vocabulary(answer)
    if 2 * len(absent) <= len(restored):
        return []
    words = _listed(sorted(absent))
    return [_Finding(f"The answer does not restore {words} from the history.")]


def _restored_words(case: Case) -> set[str]:
    """Content words that at least half of the accepted rewrites take from the history."""
    heard = _vocabulary(*(message.content for message in case.history))
    asked = _vocabulary(case.query)
    votes = Counter(
        word for rewrite in case.expect.rewrites for word in _vocabulary(rewrite) & heard - asked
    )
    return {word for word, count in votes.items() if 2 * count >= len(case.expect.rewrites)}


def _vocabulary(*texts: str) -> set[str]:
    return {t.text for text in texts for t in tokens(text) if carries_content(t.text)}


def _distractors(case: Case, answer: str) -> list[_Finding]:
    forbidden = frozenset(case.expect.must_not_name)
    spans = tuple(span for span in _names(case, answer) if span.label in forbidden)
    if not spans:
        return []
    named = _listed(list(dict.fromkeys(span.label for span in spans)))
    return [_Finding(f"The answer names {named}, which is not meant.", spans)]


def _pronouns(case: Case, answer: str) -> list[_Finding]:
    """Pronouns of the query that are still there and that no accepted rewrite keeps."""
    known = (*case.expect.must_name, *case.expect.must_not_name)
    asked = Counter(family for _, family in _referring(case.query, known))
    left = tuple(item for item in _referring(answer, known) if item[1] in asked)
    if not left:
        return []
    kept: Counter[Family] = Counter()
    for rewrite in case.expect.rewrites:
        kept |= Counter(family for _, family in _referring(rewrite, known))
    count = Counter(family for _, family in left)
    named = _antecedent(case, answer)
    spans = tuple(
        span
        for span, family in left
        if asked[family] > kept[family]
        and count[family] > kept[family]
        # "What did Bo do after he left?" stands alone: one of two was resolved, and before it.
        and not (count[family] < asked[family] and named < span.start)
    )
    if not spans:
        return []
    words = _listed(list(dict.fromkeys(answer[s.start : s.end] for s in spans)))
    return [_Finding(f"The answer still says {words}, which the query left open.", spans)]


def _antecedent(case: Case, answer: str) -> int:
    """Where the answer first names what is meant; its length when it does not."""
    if case.expect.must_name:
        starts = [span.start for span in find_names(answer, case.expect.must_name)]
    else:
        restored = _restored_words(case)
        starts = [token.start for token in tokens(answer) if token.text in restored]
    return min(starts, default=len(answer))


def _referring(text: str, names: Sequence[str]) -> tuple[tuple[Span, Family], ...]:
    """Pronouns of ``text`` outside the names in it."""
    folded = fold(text)
    taken = find_names(text, names)
    found = (
        (Span(*folded.origin(start, end), "pronoun"), family)
        for start, end, family in pronoun_ranges(folded.text)
    )
    return tuple(
        (span, family)
        for span, family in found
        if not any(span.start < t.end and t.start < span.end for t in taken)
    )


def _too_long(case: Case, answer: str) -> list[_Finding]:
    entities = sum(len(tokens(name)) for name in case.expect.must_name)
    accepted = max((len(tokens(rewrite)) for rewrite in case.expect.rewrites), default=0)
    limit = max(_TIMES * max(len(tokens(case.query)), _SHORT) + entities, 2 * accepted)
    parts = tokens(answer)
    if len(parts) <= limit:
        return []
    excess = Span(parts[limit].start, parts[-1].end, "too long")
    reason = f"The answer has {len(parts)} words where a rewrite has at most {limit}."
    return [_Finding(reason, (excess,))]


def _difference(query: str, answer: str) -> tuple[Span, ...]:
    """What the answer holds and the query does not, word by word."""
    parts = tokens(answer)
    asked = [token.text for token in tokens(query)]
    matcher = SequenceMatcher(None, asked, [part.text for part in parts], autojunk=False)
    return tuple(
        Span(parts[start].start, parts[end - 1].end, "changed")
        for tag, _, _, start, end in matcher.get_opcodes()
        if tag != "equal" and start < end
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
