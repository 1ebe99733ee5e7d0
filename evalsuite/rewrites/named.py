"""Does the rewrite say what the query left unsaid, and nothing else?

Judged without another model: the case carries what must be named, what must not, and what is
accepted word for word. Every reason to fail is one that can be read off the answer; where a case
does not say enough, the softer check is named in the explanation instead of a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalsuite.cases import Case
from evalsuite.detectors.lexicon import Family, carries_content, pronoun_ranges
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import find_names, fold, same, tokens
from evalsuite.rewrites.judgement import Finding

_TIMES = 3
"""A rewrite longer than this many queries (and its entities) answers instead of asking."""
_SHORT = 5
"""A query shorter than this counts as this long: "Why?" needs more than three words to restore."""


def unresolved(case: Case, answer: str) -> list[Finding]:
    if not tokens(answer):
        return [Finding("The answer holds no word.")]
    if any(same(answer, rewrite) for rewrite in case.expect.rewrites):
        return []
    return [
        *_untouched(case, answer),
        *_missing(case, answer),
        *_distractors(case, answer),
        *_pronouns(case, answer),
        *_too_long(case, answer),
    ]


def _untouched(case: Case, answer: str) -> list[Finding]:
    if case.expect.rewrites and same(answer, case.query):
        return [Finding("The query was returned as it is, though it does not stand alone.")]
    return []


def _names(case: Case, answer: str) -> tuple[Span, ...]:
    return find_names(answer, (*case.expect.must_name, *case.expect.must_not_name))


def _missing(case: Case, answer: str) -> list[Finding]:
    if not case.expect.must_name:
        return _missing_words(case, answer)
    named = {span.label for span in _names(case, answer)}
    missing = [name for name in case.expect.must_name if name not in named]
    return [Finding(f"The answer does not name {_listed(missing)}.")] if missing else []


def _missing_words(case: Case, answer: str) -> list[Finding]:
    """Half of the words that the rewrites agree on are demanded: annotators differ in the rest."""
    restored = _restored_words(case)
    absent = restored - _vocabulary(answer)
    if 2 * len(absent) <= len(restored):
        return []
    words = _listed(sorted(absent))
    return [Finding(f"The answer does not restore {words} from the history.")]


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


def _distractors(case: Case, answer: str) -> list[Finding]:
    forbidden = frozenset(case.expect.must_not_name)
    spans = tuple(span for span in _names(case, answer) if span.label in forbidden)
    if not spans:
        return []
    named = _listed(list(dict.fromkeys(span.label for span in spans)))
    return [Finding(f"The answer names {named}, which is not meant.", spans)]


def _pronouns(case: Case, answer: str) -> list[Finding]:
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
    return [Finding(f"The answer still says {words}, which the query left open.", spans)]


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


def _too_long(case: Case, answer: str) -> list[Finding]:
    entities = sum(len(tokens(name)) for name in case.expect.must_name)
    accepted = max((len(tokens(rewrite)) for rewrite in case.expect.rewrites), default=0)
    limit = max(_TIMES * max(len(tokens(case.query)), _SHORT) + entities, 2 * accepted)
    parts = tokens(answer)
    if len(parts) <= limit:
        return []
    excess = Span(parts[limit].start, parts[-1].end, "too long")
    reason = f"The answer has {len(parts)} words where a rewrite has at most {limit}."
    return [Finding(reason, (excess,))]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
