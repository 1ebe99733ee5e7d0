"""Is the rewrite one query, in the language of the query, with nothing around it?"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from unicodedata import name as character_name

from evalsuite.cases import Case, Language
from evalsuite.detectors.rarity import is_listed
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import fold, is_han, same
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.asking import (
    Sort,
    asks,
    asks_in_words,
    is_fragment,
    is_polite_command,
    sentences,
    sort_of,
)
from evalsuite.rewrites.judgement import Finding, Standard
from evalsuite.rewrites.known import known
from evalsuite.rewrites.restored import restored
from evalsuite.rewrites.words import MOST, Word, words
from evalsuite.rewrites.wrapping import texts_of, wrapping

_TIMES = 3
"""A rewrite longer than this many accepted ones answers instead of asking."""
_SHORT = 12
"""An accepted rewrite of fewer words counts as this long."""
_REPEATED = 8
"""One in so many content words may be said once more than in any accepted text: "which gardens ...,
and how long do we need for the gardens?"."""
_GRANTING = frozenset(("ok", "okay", "sure", "yes", "yeah"))


def form(case: Case, answer: str, standard: Standard) -> tuple[Finding, ...]:
    """Every way in which an answer is not a query, or not a query alone."""
    return (
        *wrapping(case, answer),
        *_other_language(case, answer),
        *_more_sentences(case, answer, standard),
        *_answers(case, answer, standard),
        *_said_twice(case, answer, standard),
        *_other_sort(case, answer, standard),
        *_only_a_mark(case, answer, standard),
        *_repeats_a_turn(case, answer),
        *_asks_nothing(case, answer, standard),
        *_asks_again(case, answer, standard),
        *_too_long(case, answer),
    )


def _other_language(case: Case, answer: str) -> Iterator[Finding]:
    said = [*texts_of(case), *(message.content for message in case.history)]
    # Letters of the Latin script are told by their words: "Java 语言" is Chinese.
    scripts = {script for text in said for script in _scripts(text)} | {_LATIN}
    strange = next((c for c in answer[:MOST] if _script(c) not in scripts), None)
    if strange is not None:
        at = answer.index(strange)
        yield Finding(
            f"The answer is written in another script ({_script(strange).title()}).",
            (Span(at, at + 1, "another script"),),
        )
        return
    if (language := _language(case, answer)) is not None:
        yield Finding(f"The answer is in another language than the query ({language}).")


def _language(case: Case, answer: str) -> str | None:
    asked, told = words(case.query), words(answer)
    if case.language is Language.ZH:
        meant = {w.text for text in texts_of(case)[1:] for w in words(text)}
        han = any(word.han for word in told)
        if any(word.han for word in asked) and not han and not {w.text for w in told} <= meant:
            return "no Chinese"
        said = (*texts_of(case), *(message.content for message in case.history))
        latin = {w.text for w in told if w.text in english.FUNCTION_WORDS}
        latin -= {"and"} if any(sign in answer for sign in "&＆") else set()
        latin -= _IN_CHINESE
        heard = {w.text for text in said for w in words(text)} if latin else set()
        return None if latin <= heard else "English"
    if any(w.han for w in told) and not any(w.han for t in texts_of(case) for w in words(t)):
        return "Chinese"
    own = {w.text for text in texts_of(case) for w in words(text)}
    told_words = list(re.findall(r"[^\W\d_]+", fold(answer[:MOST]).text))
    for language, common in english.OTHER_LANGUAGES.items():
        foreign = {w for w in told_words if w in common and w not in english.FUNCTION_WORDS}
        if len(foreign - own) >= 2:
            return language
    return None


_LATIN = "LATIN"
_IN_CHINESE = frozenset(("a", "i", "ok", "vs", "per", "'s"))
"""English words, or letters, that Chinese sentences hold too."""


def _scripts(text: str) -> frozenset[str]:
    return frozenset(_script(character) for character in text[:MOST])


def _script(character: str) -> str:
    """The script of a letter by the first word of its Unicode name; what is no letter is Latin."""
    if character.isascii() or not character.isalpha():
        return _LATIN
    if is_han(character):
        return "CJK"
    first = character_name(character, _LATIN).split(" ")[0]
    return _LATIN if first in ("FULLWIDTH", "MASCULINE", "FEMININE", "MODIFIER") else first


def _more_sentences(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    most = max(map(sentences, texts_of(case)))
    if sentences(answer) <= most:
        return
    # People who reword freely ask in two sentences.
    if standard is Standard.FREE and not (
        _idle_sentence(case, answer) or _answered_at_once(case, answer)
    ):
        return
    yield Finding("The answer has a sentence more than the query.")


def _idle_sentence(case: Case, answer: str) -> bool:
    """Whether one of the sentences asks nothing of what query and rewrites do: "Sure!"."""
    own = known(case).own
    return any(
        not any(word.content and own.holds(word) for word in words(part))
        for part in _sentences(answer)
    )


def _answered_at_once(case: Case, answer: str) -> bool:
    """Whether a statement with words that nobody said follows a question: "... born? In 1940."."""
    facts = known(case)
    first, *others = _sentences(answer)
    return sort_of(first) is Sort.QUESTION and any(
        not asks(part)
        and any(
            word.content and not (facts.own.holds(word) or facts.heard.holds(word))
            for word in words(part)
        )
        for part in others
    )


def _sentences(answer: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.?!。？！;；])\s*", answer[:MOST]) if part.strip()]


def _answers(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    told = " ".join(word.text for word in words(answer[:200]))
    asked = [" ".join(word.text for word in words(text)) for text in texts_of(case)]
    openers: tuple[str, ...] = english.ANSWER_OPENERS
    if standard is Standard.FREE:
        # People begin requests with these too.
        openers = tuple(opener for opener in openers if opener not in _GRANTING)
    for opener in openers:
        if f"{told} ".startswith(f"{opener} ") and not any(
            f"{text} ".startswith(f"{opener} ") for text in asked
        ):
            yield Finding(f'The answer begins with "{opener}", as answers do.')
            return
    found = chinese.ANSWER_OPENERS.match(answer.strip())
    if found and not any(chinese.ANSWER_OPENERS.match(text) for text in texts_of(case)):
        yield Finding(f'The answer begins with "{found.group()}", as answers do.')


def _said_twice(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    """Content words more often than in any accepted text: two, or one right behind itself.

    People who reword freely say what is meant for each of two pronouns: then it takes all of them.
    """
    told = words(answer)
    facts = known(case)
    most, heard = facts.counts, facts.heard
    times = Counter(word.key for word in told if word.content)
    more = [
        key
        for key, count in times.items()
        if count > max(most[key], 1) and (count > 2 or key not in heard.keys or most[key])
    ]
    least = max(3 if case.language is Language.ZH else 2, 1 + len(times) // _REPEATED)
    doubled = (*_doubled(case, told), *_stuttered(case, told))
    if standard is Standard.FREE:
        rare = [key for key, count in times.items() if count < 2]
        if len(times) >= 2 and 5 * len(rare) <= len(times):
            yield Finding("The answer says everything twice.")
    elif doubled:
        yield Finding("The answer says a word twice in a row.", doubled)
    elif len(more) >= least and not _is_name_again(case, more, times):
        yield Finding("The answer says the same thing twice.")


def _doubled(case: Case, told: Sequence[Word]) -> Iterator[Span]:
    """English words right behind themselves, where no text of the case has that."""
    for a, b in itertools.pairwise(told):
        if a.text == b.text and not a.han and a.text.isalpha() and not _doubles(case, a.text):
            yield Span(a.start, b.end, "twice")


def _stuttered(case: Case, told: Sequence[Word]) -> Iterator[Span]:
    """Chinese characters twice in a row that no text of the case has so often: 卫卫星.

    Not 讲讲 for 讲 and not 弟弟, which are words, nor where a word begins as the one before ends:
    上海海鲜.
    """
    facts = known(case)
    # Where no rewrite is known, a name stands beside the query.
    named = sum((Counter(w.text for w in words(n)) for n in case.expect.must_name), Counter())
    most = Counter(word.text for word in facts.query) + named
    for accepted in facts.accepted:
        most |= Counter(word.text for word in accepted)
    times = Counter(word.text for word in told)
    for a, b in itertools.pairwise(told):
        twice = a.han and a.text == b.text and a.end == b.start and times[a.text] > most[a.text]
        if twice and not (_is_reduplicated(a.text) or _doubles(case, a.text)):
            yield Span(a.start, b.end, "twice")


def _is_reduplicated(character: str) -> bool:
    return bool(chinese.DOUBLED.fullmatch(character)) or is_listed(character * 2)


def _is_name_again(case: Case, keys: Sequence[str], times: Counter[str]) -> bool:
    """Whether nothing but names that must be said is said twice, as before each of two verbs."""
    names = {word.key for name in case.expect.must_name for word in words(name)}
    return all(key in names and times[key] == 2 for key in keys)


def _doubles(case: Case, word: str) -> bool:
    return any(
        a.text == b.text == word
        for text in (*texts_of(case), *case.expect.must_name, *(m.content for m in case.history))
        for a, b in zip(words(text), words(text)[1:], strict=False)
    )


def _other_sort(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    allowed = known(case).sorts
    told = sort_of(answer)
    if told in allowed or (standard is Standard.FREE and asks(answer)):
        return
    if Sort.COMMAND in allowed and is_polite_command(answer):
        return
    due = " or a ".join(sorted(allowed))
    yield Finding(f"The answer is a {told} where a {due} was due.")


def _only_a_mark(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    """A piece with a question mark or 呢, where query and rewrites ask in words."""
    if standard is Standard.FREE or not is_fragment(answer):
        return
    questions = [text for text in texts_of(case) if sort_of(text) is Sort.QUESTION]
    if questions and not any(map(is_fragment, questions)):
        yield Finding("Only its mark makes the answer a question.")


def _asks_nothing(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    """Neither question nor command, and nothing of what query or rewrites ask: a bare name."""
    if standard is not Standard.FREE or asks_in_words(answer):
        return
    meant = {w.key for ps in restored(case).pieces for p in ps for w in p.content}
    facts = known(case)
    asked = {w.key for text in (facts.query, *facts.accepted) for w in text if w.content} - meant
    if asked and not any(word.key in asked for word in words(answer)):
        yield Finding("The answer asks nothing of what the query asks.")


_PARTS = re.compile(r"(?<=[.?!。？！])\s*|\s/\s|\sor\s|或者")


def _asks_again(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    """Two whole rewrites side by side, in other words each."""
    if standard is not Standard.FREE:
        return
    names = [p.content for ps in restored(case).pieces for p in ps if p.content]

    def whole(text: str) -> int:
        parts = [
            {word.key for word in words(part)}
            for part in _PARTS.split(text[:MOST])
            if part and asks(part)
        ]
        return max(
            (sum(all(w.key in part for w in name) for part in parts) for name in names), default=0
        )

    if whole(answer) > max(1, *map(whole, texts_of(case))):
        yield Finding("The answer asks the same thing twice.")


def _repeats_a_turn(case: Case, answer: str) -> Iterator[Finding]:
    if any(same(answer, message.content) for message in case.history) and not any(
        same(answer, text) for text in case.expect.rewrites
    ):
        yield Finding("The answer repeats a turn of the history.")


def _too_long(case: Case, answer: str) -> Iterator[Finding]:
    if len(answer.strip()) > max(MOST, *map(len, texts_of(case))):
        span = Span(MOST, len(answer), "too long")
        yield Finding(f"The answer has more than {MOST} characters.", (span,))
        return
    longest = max(len(words(text)) for text in texts_of(case))
    limit = _TIMES * max(longest, _SHORT)
    told = words(answer)
    if len(told) > limit:
        span = Span(told[limit].start, len(answer), "too long")
        yield Finding(f"The answer has more than {limit} words; no rewrite is so long.", (span,))
