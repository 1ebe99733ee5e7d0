"""Is the rewrite one query, in the language of the query, with nothing around it?"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from unicodedata import name as character_name

from evalsuite.cases import Case, Language
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
from evalsuite.rewrites.words import MOST, words

_TIMES = 3
"""A rewrite longer than this many accepted ones answers instead of asking."""
_SHORT = 12
"""An accepted rewrite of fewer words counts as this long."""
_REPEATED = 8
"""One in so many content words may be said once more than in any accepted text: "which gardens ...,
and how long do we need for the gardens?"."""
_WRAPPERS = {
    "an arrow": re.compile(r"→|⇒|[=-]>"),
    "an assignment": re.compile(r"^\s*\w+(?:[ _]\w+)?\s*=\s*\S"),
    "a comment": re.compile(r"\s(?://|#|--)\s*\w"),
    "a code fence": re.compile(r"```|~~~"),
    "JSON": re.compile(r'^\s*[\[{].*["\'\]}]\s*:?.*[\]}]\s*$|"\s*:\s*["\[{]', re.DOTALL),
    "a tag": re.compile(r"</?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>|<\|[^<>|]*\|>"),
    "markdown": re.compile(
        r"\*\*|__|~~|`|\||^\s*[*_][^*_]+[*_]\W*$|^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s", re.MULTILINE
    ),
    "a role": re.compile(
        r"(?:^|[\n.?!。？！\s])(?:user|assistant|system|human|bot|ai|用户|助手|系统|问|答|q|a)\s*[:：]",
        re.IGNORECASE,
    ),
}
_BRACKETED = re.compile(
    r"(?:^\s*|(?<=[.?!。？！\s]))[\[【(（]([^\[\]【】()（）]{1,30})[\])】）](?=\W*$|\s*\w)"
)
_DASHED = re.compile(r"^\s*((?:[^\W\d_]+\s+){1,4})[-–—]+\s")
_GRANTING = frozenset(("ok", "okay", "sure", "yes", "yeah"))
_QUOTES = "\"'“‘「『"
_LABEL = re.compile(r"^\s*([^:：\n]{1,60})[:：](?!\d)\s*\S")


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


def wrapping(case: Case, answer: str) -> Iterator[Finding]:
    """What stands around a query: lines, fences, tags, labels, roles."""
    yield from _lines(case, answer)
    yield from _wrapped(case, answer)


def _texts(case: Case) -> tuple[str, ...]:
    return (case.query, *case.expect.rewrites)


def _lines(case: Case, answer: str) -> Iterator[Finding]:
    if "\n" in answer.strip() and not any("\n" in text.strip() for text in _texts(case)):
        start = answer.index("\n", len(answer) - len(answer.lstrip()))
        span = Span(start, len(answer), "another line")
        yield Finding("The answer has more than one line.", (span,))


def _wrapped(case: Case, answer: str) -> Iterator[Finding]:
    head = answer[:MOST]
    for what, pattern in _WRAPPERS.items():
        found = pattern.search(head)
        if found and not any(pattern.search(text) for text in _texts(case)):
            yield Finding(f"The answer holds {what}.", (Span(*found.span(), what),))
    for pattern in (_BRACKETED, _DASHED):
        for found in pattern.finditer(head):
            if _is_strange(case, found.group(1)):
                yield Finding("The answer holds a label.", (Span(*found.span(1), "a label"),))
    label = _LABEL.search(head)
    if label and (_is_label(case, label.group(1)) or label.group().rstrip()[-1] in _QUOTES):
        yield Finding("The answer begins with a label.", (Span(*label.span(), "a label"),))


def _is_label(case: Case, text: str) -> bool:
    """Whether what stands before a colon asks nothing, or holds a word that nobody said."""
    own = known(case).own
    return _is_strange(case, text) or not any(w.content and own.holds(w) for w in words(text))


def _is_strange(case: Case, text: str) -> bool:
    """Whether a text holds a word that nobody said."""
    facts = known(case)
    return any(not (facts.own.holds(w) or facts.heard.holds(w)) for w in words(text) if w.content)


def _other_language(case: Case, answer: str) -> Iterator[Finding]:
    said = [*_texts(case), *(message.content for message in case.history)]
    scripts = {script for text in said for script in _scripts(text)}
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
        meant = {w.text for text in _texts(case)[1:] for w in words(text)}
        han = any(word.han for word in told)
        if any(word.han for word in asked) and not han and not {w.text for w in told} <= meant:
            return "no Chinese"
        latin = [w for w in told if not w.han and w.text in english.FUNCTION_WORDS - {"a", "i"}]
        own = {w.text for text in _texts(case) for w in words(text)}
        return "English" if len([w for w in latin if w.text not in own]) >= 2 else None
    if any(w.han for w in told) and not any(w.han for t in _texts(case) for w in words(t)):
        return "Chinese"
    own = {w.text for text in _texts(case) for w in words(text)}
    told_words = list(re.findall(r"[^\W\d_]+", fold(answer[:MOST]).text))
    for language, common in english.OTHER_LANGUAGES.items():
        foreign = {w for w in told_words if w in common and w not in english.FUNCTION_WORDS}
        if len(foreign - own) >= 2:
            return language
    return None


def _scripts(text: str) -> frozenset[str]:
    return frozenset(_script(character) for character in text[:MOST])


def _script(character: str) -> str:
    """The script of a letter by the first word of its Unicode name; others have none."""
    if character.isascii() or not character.isalpha():
        return "LATIN"
    if is_han(character):
        return "CJK"
    first = character_name(character, "LATIN").split(" ")[0]
    return "LATIN" if first in ("FULLWIDTH", "MASCULINE", "FEMININE", "MODIFIER") else first


def _more_sentences(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    most = max(map(sentences, _texts(case)))
    if sentences(answer) <= most:
        return
    if standard is Standard.FREE and not _idle_sentence(case, answer):
        return
    yield Finding("The answer has a sentence more than the query.")


def _idle_sentence(case: Case, answer: str) -> bool:
    """Whether one of the sentences asks nothing of what query and rewrites do: "Sure!"."""
    own = known(case).own
    parts = re.split(r"(?<=[.?!。？！])\s*", answer[:MOST].strip())
    return any(
        part and not any(word.content and own.holds(word) for word in words(part)) for part in parts
    )


def _answers(case: Case, answer: str, standard: Standard) -> Iterator[Finding]:
    told = " ".join(word.text for word in words(answer[:200]))
    asked = [" ".join(word.text for word in words(text)) for text in _texts(case)]
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
    if found and not any(chinese.ANSWER_OPENERS.match(text) for text in _texts(case)):
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
    doubled = [
        Span(a.start, b.end, "twice")
        for a, b in itertools.pairwise(told)
        if a.text == b.text and not a.han and a.text.isalpha() and not _doubles(case, a.text)
    ]
    if standard is Standard.FREE:
        rare = [key for key, count in times.items() if count < 2]
        if len(times) >= 2 and 5 * len(rare) <= len(times):
            yield Finding("The answer says everything twice.")
    elif doubled:
        yield Finding("The answer says a word twice in a row.", tuple(doubled))
    elif len(more) >= least and not _is_name_again(case, more, times):
        yield Finding("The answer says the same thing twice.")


def _is_name_again(case: Case, keys: Sequence[str], times: Counter[str]) -> bool:
    """Whether nothing but names that must be said is said twice, as before each of two verbs."""
    names = {word.key for name in case.expect.must_name for word in words(name)}
    return all(key in names and times[key] == 2 for key in keys)


def _doubles(case: Case, word: str) -> bool:
    return any(
        a.text == b.text == word
        for text in (*_texts(case), *case.expect.must_name)
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
    questions = [text for text in _texts(case) if sort_of(text) is Sort.QUESTION]
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

    if whole(answer) > max(1, *map(whole, _texts(case))):
        yield Finding("The answer asks the same thing twice.")


def _repeats_a_turn(case: Case, answer: str) -> Iterator[Finding]:
    if any(same(answer, message.content) for message in case.history) and not any(
        same(answer, text) for text in case.expect.rewrites
    ):
        yield Finding("The answer repeats a turn of the history.")


def _too_long(case: Case, answer: str) -> Iterator[Finding]:
    if len(answer.strip()) > max(MOST, *map(len, _texts(case))):
        span = Span(MOST, len(answer), "too long")
        yield Finding(f"The answer has more than {MOST} characters.", (span,))
        return
    longest = max(len(words(text)) for text in _texts(case))
    limit = _TIMES * max(longest, _SHORT)
    told = words(answer)
    if len(told) > limit:
        span = Span(told[limit].start, len(answer), "too long")
        yield Finding(f"The answer has more than {limit} words; no rewrite is so long.", (span,))
