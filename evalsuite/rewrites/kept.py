"""Does the rewrite still ask what the query asks, and nothing else?

Content words are compared, what the question words ask for, and whether something is denied. The
accepted rewrite that is nearest to the answer says which words of the query are asked at all: a
reference, a typo or a courtesy that it leaves out, an answer may leave out too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

from rapidfuzz.distance import LCSseq

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites.asking import asked_for, denies
from evalsuite.rewrites.judgement import Finding, Standard
from evalsuite.rewrites.known import Known, Vocabulary, known, references, without_names
from evalsuite.rewrites.names import occurrences
from evalsuite.rewrites.words import Word, words

_IN_ORDER = 0.5
"""Share of the words, of answer or accepted rewrite, that have to stand in the same order."""
_FEW = 5
"""Of fewer words than this no two need stand side by side as they did."""
_JOINING = frozenset(("and", "or", "和", "与", "跟", "及", "或"))


def kept(case: Case, answer: str, standard: Standard) -> tuple[Finding, ...]:
    """Every way in which an answer asks something else than the query."""
    facts, found = known(case), words(answer)
    return (
        *_lost(facts, without_names(case, answer)),
        *_added(case, answer, found, standard),
        *_asks_otherwise(case, answer),
        *_denies_otherwise(case, answer),
        *_shuffled(facts, found),
    )


def shares(case: Case, answer: str) -> tuple[float | None, float | None]:
    """The shares of the query's content words that are lost, and of the answer's that are new.

    Of the query those words count that at least one accepted rewrite keeps; new is what neither
    query, accepted rewrites nor history hold.
    """
    facts, found = known(case), words(answer)
    outside = without_names(case, answer)
    due = min(facts.due, key=lambda asked: len(_absent(asked, outside)) / (len(asked) or 1))
    said = [word for word in found if word.content]
    new = [word for word in said if not (facts.own.holds(word) or facts.heard.holds(word))]
    return (
        len(_absent(due, outside)) / len(due) if due else None,
        len(new) / len(said) if said else None,
    )


def _lost(facts: Known, found: Sequence[Word]) -> list[Finding]:
    lost = min((_absent(due, found) for due in facts.due), key=len)
    if not lost:
        return []
    return [Finding(f"The answer no longer asks {_quoted(lost)}.")]


def _absent(due: Sequence[Word], found: Sequence[Word]) -> list[Word]:
    """Those words that the answer does not hold, counted as often as they are due."""
    said = Vocabulary.of_words([found])
    times = Counter(word.key for word in found)
    absent: list[Word] = []
    for word in due:
        if times[word.key] > 0:
            times[word.key] -= 1
        elif word.key in said.keys or not said.holds(word):
            absent.append(word)
    return absent


def _added(case: Case, answer: str, found: Sequence[Word], standard: Standard) -> list[Finding]:
    """Content words from nowhere; of a golden case the history may describe what is meant."""
    facts = known(case)
    added = [
        word
        for word in found
        if word.content
        and not facts.own.holds(word)
        and not (standard is Standard.AUTHORED and facts.heard.holds(word))
    ]
    if standard is Standard.AUTHORED:
        added += _joined(case, facts, found)
    described = _describing(case, answer, found)
    added = [word for word in added if word not in described]
    # Whoever names a distractor hears it from named.
    unwanted = {word.key for name in case.expect.must_not_name for word in words(name)}
    added = [word for word in added if word.key not in unwanted]
    if not added:
        return []
    spans = tuple(Span(word.start, word.end, "added") for word in added)
    return [Finding(f"The answer adds {_quoted(added)}.", spans)]


def _describing(case: Case, answer: str, found: Sequence[Word]) -> list[Word]:
    """Chinese words that spell out the noun of a reference beside the name: 那部剧 as 电视剧."""
    nouns = {
        word.key
        for span in references(case.query)
        for word in words(case.query[span.start : span.end])
    }
    names = [span for name in case.expect.must_name for span in occurrences(answer, name)]
    runs = [list(run) for content, run in groupby(found, key=lambda w: w.content) if content]
    return [
        word
        for run in runs
        for name in names
        if any(other.key in nouns for other in run) and run[0].start <= name.end + 1
        if name.start <= run[-1].end + 1
        for word in run
    ]


def _joined(case: Case, facts: Known, found: Sequence[Word]) -> list[Word]:
    """Words of the history that the answer joins to what it asks about: "Mars and Venus".

    Not those that describe a name which follows: "苏轼和弟弟苏辙".
    """
    meant = {word.key for name in case.expect.must_name for word in words(name)}
    strange = []
    for at, word in enumerate(found):
        if word.text not in _JOINING:
            continue
        for run in (_strange(facts, found[:at][::-1]), _strange(facts, found[at + 1 :])):
            after = run[-1].end if run else 0
            named = any(w.key in meant and w.start in (after, after + 1) for w in found)
            strange += [] if named else run
    return strange


def _strange(facts: Known, found: Sequence[Word]) -> list[Word]:
    """Content words at the beginning of ``found`` that only the history holds."""
    run: list[Word] = []
    for word in found:
        if word.content and not facts.own.holds(word) and facts.heard.holds(word):
            run.append(word)
        elif word.content or run:
            break
    return run


def _asks_otherwise(case: Case, answer: str) -> list[Finding]:
    allowed = known(case).asked
    if (asked := asked_for(answer)) in allowed:
        return []
    due = " or ".join(sorted({_sorts(sorts) for sorts in allowed}))
    return [Finding(f"The answer asks for {_sorts(asked)} where {due} was asked for.")]


def _sorts(sorts: frozenset[str]) -> str:
    return " and ".join(sorted(sorts)) or "yes or no"


def _denies_otherwise(case: Case, answer: str) -> list[Finding]:
    allowed = {denies(text) for text in (case.query, *case.expect.rewrites)}
    if denies(answer) in allowed:
        return []
    said = "denies what the query does not" if denies(answer) else "no longer denies"
    return [Finding(f"The answer {said}.")]


def _shuffled(facts: Known, found: Sequence[Word]) -> list[Finding]:
    """The right words in no order."""
    told = [word.key for word in found]
    for accepted in (facts.query, *facts.accepted):
        keys = [word.key for word in accepted]
        longest = LCSseq.similarity(told, keys)
        neighbours = len(set(pairwise(told)) & set(pairwise(keys)))
        shorter = min(len(told), len(keys))
        if longest >= _IN_ORDER * shorter and (neighbours or shorter < _FEW):
            return []
    return [Finding("The words of the answer are in another order than those of any rewrite.")]


def _quoted(found: Sequence[Word]) -> str:
    """The words as they were written, neighbours of Chinese together."""
    parts: list[str] = []
    last: Word | None = None
    for word in found:
        if last is not None and word.han and last.han and word.start == last.end:
            parts[-1] += word.text
        else:
            parts.append(word.text)
        last = word
    return ", ".join(f'"{part}"' for part in parts)
