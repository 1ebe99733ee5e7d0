"""Does the rewrite still ask what the query asks, and nothing else?

Content words are compared, what the question words ask for, and whether something is denied. The
accepted rewrite that is nearest to the answer says which words of the query are asked at all: a
reference, a typo or a courtesy that it leaves out, an answer may leave out too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from rapidfuzz.distance import LCSseq

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites import english
from evalsuite.rewrites.added import added
from evalsuite.rewrites.asking import asked_for, denials, is_fragment
from evalsuite.rewrites.judgement import Finding, Standard
from evalsuite.rewrites.known import Known, Vocabulary, known, without_names
from evalsuite.rewrites.relations import exchanged, turned
from evalsuite.rewrites.typos import corrected, corrections
from evalsuite.rewrites.words import Word, words

_IN_ORDER = 0.5
"""Share of the words, of answer or accepted rewrite, that have to stand in the same order."""
_FEW = 4
"""Of fewer words than this no two need stand side by side as they did."""


def kept(case: Case, answer: str, standard: Standard) -> tuple[Finding, ...]:
    """Every way in which an answer asks something else than the query."""
    facts, found = known(case), words(answer)
    return (
        *_lost(facts, without_names(case, answer)),
        *_left_out(case, facts, answer),
        *_added(case, answer, found, standard),
        *_asks_otherwise(case, answer),
        *_denies_otherwise(case, answer),
        *turned(answer, case.query, case.expect.rewrites),
        *exchanged(answer, (case.query, *case.expect.rewrites)),
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
    right = corrections(facts.query, found)
    lost = min((_absent(due, found) for due in facts.due), key=len)
    lost = [word for word in lost if word.text not in right]
    if not lost:
        return []
    return [Finding(f"The answer no longer asks {_quoted(lost)}.")]


def _left_out(case: Case, facts: Known, answer: str) -> list[Finding]:
    """Another question than the one before, to which a piece such as "And in Nice?" belongs."""
    if facts.spelt_out is None or is_fragment(answer):
        return []
    if not any(
        word.content and facts.spelt_out.holds(word) for word in without_names(case, answer)
    ):
        return [Finding("The answer asks nothing of what the query leaves out.")]
    if asked_for(answer) or frozenset() in facts.asked_out:
        return []
    return [Finding('The answer asks "yes or no" where the conversation does not.')]


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
    new = added(case, answer, found, standard)
    if not new:
        return []
    spans = tuple(Span(word.start, word.end, "added") for word in new)
    return [Finding(f"The answer adds {_quoted(new)}.", spans)]


def _asks_otherwise(case: Case, answer: str) -> list[Finding]:
    allowed = known(case).asked
    asked = asked_for(answer)
    if asked in allowed or asked == asked_for(corrected(case.query, answer)):
        return []
    due = " or ".join(sorted({_sorts(sorts) for sorts in allowed}))
    return [Finding(f"The answer asks {_sorts(asked)} where the query asks {due}.")]


_SORTS = {"thing": "what", "person": "who", "place": "where", "time": "when", "reason": "why",
          "way": "how", "measure": "how large", "how many": "how many or how much"}  # fmt: skip
"""What is asked for, as a question would begin."""


def _sorts(sorts: frozenset[str]) -> str:
    """In words that a reader knows."""
    return " and ".join(f'"{_SORTS.get(sort, sort)}"' for sort in sorted(sorts)) or "yes or no"


def _denies_otherwise(case: Case, answer: str) -> list[Finding]:
    allowed = {denials(text) for text in (case.query, *case.expect.rewrites)}
    count = denials(answer)
    if count in allowed:
        return []
    if count and not any(allowed):
        return [Finding("The answer denies what the query does not.")]
    if not count:
        return [Finding("The answer no longer denies.")]
    often = "more" if count > max(allowed) else "less"
    return [Finding(f"The answer denies {often} often than the query.")]


def _shuffled(facts: Known, found: Sequence[Word]) -> list[Finding]:
    """The right words in no order."""
    told = _order(found)
    for accepted in (facts.query, *facts.accepted):
        keys = _order(accepted)
        longest = LCSseq.similarity(told, keys)
        neighbours = len(set(pairwise(told)) & set(pairwise(keys)))
        shorter = min(len(told), len(keys))
        one_moved = longest >= shorter - 1
        if longest >= _IN_ORDER * shorter and (neighbours or one_moved or shorter < _FEW):
            return []
    return [Finding("The words of the answer are in another order than those of any rewrite.")]


def _order(found: Sequence[Word]) -> list[str]:
    """The words that show an order: those with content, and question words."""
    return [word.key for word in found if word.content or word.text in english.QUESTION_WORDS]


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
