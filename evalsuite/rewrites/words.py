"""Words of a text, as the judge compares them: what may differ between two spellings is gone.

Case, width, accents, contractions, chat spelling, inflection, traditional characters and numerals
make no difference; every word remembers the characters that it came from. Chinese is compared
character by character, English word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

from evalsuite.detectors.text import fold, is_han
from evalsuite.rewrites import chinese, english

MOST = 4000
"""Characters of a text that are read. A longer answer is no rewrite of any query that people type,
and form says so; what stands behind these characters cannot make it better."""

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PART = re.compile(
    # Letters with points; a number with its marks; a word with inner apostrophes and the signs that
    # make another name of it (C++, C#, .NET, Disney+); an ending that stands alone; "&"; Han.
    rf"(?<![^\W_])(?:[a-z]\.){{2,}}(?:[a-z](?![^\W_]))?"
    rf"|\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?(?![^\W_{_HAN}])"
    rf"|(?:(?<![^\W{_HAN}])(?<![.?!)\]])\.(?=[a-z]{{2}}))?"
    rf"[^\W_{_HAN}]+(?:'(?!s(?![^\W_{_HAN}]))[^\W_{_HAN}]+)*(?:(?:\+\+?|#)(?![^\W{_HAN}]|[+#]))?"
    rf"|'(?:s|m|re|ve|ll|d)(?![^\W_{_HAN}])|&|[{_HAN}]+"
)
_ROOT_ENDINGS = re.compile(
    "(?:ion|ation|ition|ist|ism|ment|ness|ful|li|abl|ibl|anc|enc|er|or|i|e)$"
)
_SHORTEST_ROOT = 4
# Letters that no normalisation takes apart.
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or one Han character."""

    text: str
    """As it was written, folded."""
    key: str
    """What two forms of one word have in common."""
    start: int
    """Offset of its first character in the original text."""
    end: int
    content: bool
    """Whether it says what is asked, rather than how the sentence is put together."""
    han: bool = False
    """Whether it is a character of a script without spaces."""

    @property
    def root(self) -> str:
        """What words of one family have in common: discover, discovery, discoverer."""
        return _root(self.key)


def words(text: str) -> tuple[Word, ...]:
    """The words of a text, in order; of a long one, of its first :data:`MOST` characters."""
    return _words(text[:MOST])


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[Word, ...]:
    folded = fold(text)
    # Capitals in a text of Han are a name: nobody shouts in two scripts.
    shouting = not any(c.islower() or is_han(c) for c in text)
    found: list[Word] = []
    for match in _PART.finditer(folded.text):
        start, _ = folded.origin(*match.span())
        if is_han(match.group()[0]):
            place = [folded.origin(i, i + 1) for i in range(*match.span())]
            found += _han_words(match.group(), place)
        else:
            _, end = folded.origin(*match.span())
            named = text[start:end].isupper() and not shouting and end - start > 1
            part = match.group()
            if part[0] == "." and text[start] != ".":
                # The point of a Chinese sentence is no part of the word behind it.
                part, start = part[1:], start + 1
            found += _spelled(part, start, end, named)
    return _without_frames(tuple(_without_measures(_without_split_negations(found))))


def written_as_one(found: Sequence[Word], whole: str) -> Iterator[Sequence[Word]]:
    """Runs of words that spell ``whole`` when written without spaces: iPhone15, iPhone 15."""
    for start in range(len(found)):
        end, told = start, ""
        while end < len(found) and len(told) < len(whole):
            told += found[end].text
            end += 1
        if told == whole:
            yield found[start:end]


def _without_measures(found: Iterable[Word]) -> Iterator[Word]:
    """A measure belongs to the "how" before it, "longer" to "no", "like" to "what": no content.

    Behind a number "m" is short for metres.
    """
    found, last = list(found), ""
    if len(found) > 2 and found[-1].text == "like" and any(w.text == "what" for w in found):
        found[-1] = replace(found[-1], content=False)
    for word in found:
        if (last == "how" and word.text in english.MEASURES) or (last, word.text) == _NO_LONGER:
            yield replace(word, content=False)
        elif last[:1].isdigit() and word.text in english.UNITS:
            yield replace(word, key=_key(english.UNITS[word.text]))
        else:
            yield word
        last = word.text


def _without_frames(found: tuple[Word, ...]) -> tuple[Word, ...]:
    """What leads to a question asks nothing: "can you tell me who ..."."""
    if not any(word.text in english.FRAMING for word in found):
        return found
    places = [
        place
        for match in english.ASKING_FRAME.finditer(" ".join(word.text for word in found))
        for place in _places(found, *match.span())
    ]
    return tuple(
        replace(word, content=False) if at in places else word for at, word in enumerate(found)
    )


def _places(found: Sequence[Word], start: int, end: int) -> Iterator[int]:
    """Which words stand in a range of their texts, one blank apart."""
    offset = 0
    for at, word in enumerate(found):
        if start <= offset < end:
            yield at
        offset += len(word.text) + 1


_NO_LONGER = ("no", "longer")


def _spelled(part: str, start: int, end: int, capitals: bool) -> Iterator[Word]:
    """The words that one written word stands for."""
    plain = _plain(part).replace(".", "") if part[0].isalpha() else part
    if "." in part and part[0].isalpha():
        # U.S. and US are one name, and never the pronoun.
        yield Word(part, plain.upper() if plain in english.CASED else plain, start, end, True)
        return
    if capitals and plain in english.CASED:
        yield Word(part, plain.upper(), start, end, True)
        return
    for word in _expanded(plain):
        content = word not in english.FUNCTION_WORDS
        yield Word(word, _key(word), start, end, content)


@lru_cache(maxsize=8192)
def _expanded(word: str) -> tuple[str, ...]:
    known = english.SPELLINGS.get(word)
    if known is not None:
        return known
    if word.endswith("n't"):
        return (word[:-3], "not")
    for ending, full in english.SUFFIXES.items():
        if word.endswith(ending):
            return (word[: -len(ending)], full) if word != ending else (full,)
    if word == "'s":
        return (word,)
    if word.endswith("+") and not word.endswith("++"):
        return (word[:-1], "plus")
    return (word.replace("'", ""),)


def _without_split_negations(found: list[Word]) -> Iterator[Word]:
    """Corpora that were split into pieces write "ca n't" and "wo n't"."""
    pieces = {"ca": "can", "wo": "will", "sha": "shall"}
    for word, after in zip_longest(found, found[1:]):
        if word.text in pieces and after is not None and after.text == "not":
            yield Word(pieces[word.text], pieces[word.text], word.start, word.end, False)
        elif not (word.text == "n" and after is not None and after.text == "t"):
            yield word


@lru_cache(maxsize=65536)
def _plain(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word.translate(_STROKES))
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn") or word


@lru_cache(maxsize=65536)
def _key(word: str) -> str:
    if word[0].isdigit():
        return word.replace(",", "")
    if word in english.NUMBERS:
        return english.NUMBERS[word]
    base = english.IRREGULAR.get(word, word)
    return _stemmer()(base) if base.isascii() else base


@lru_cache(maxsize=65536)
def _root(key: str) -> str:
    if not key.isascii() or key[0].isdigit():
        return key
    root = key
    while (cut := _ROOT_ENDINGS.sub("", root)) != root and len(cut) >= _SHORTEST_ROOT:
        root = cut
    return root


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    """Porter's second stemmer (https://snowballstem.org/algorithms/english/stemmer.html)."""
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem


def simplified(text: str) -> str:
    """Traditional characters as simplified ones; the length stays."""
    return "".join(map(_simplified, text)) if any(map(is_han, text)) else text


@lru_cache(maxsize=65536)
def _simplified(character: str) -> str:
    if not is_han(character):
        return character
    found = _converter()(character)
    return found if len(found) == 1 else character


@lru_cache(maxsize=1)
def _converter() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def _han_words(run: str, place: list[tuple[int, int]]) -> Iterator[Word]:
    """The characters of a run of Han, a numeral as one word."""
    run = simplified(run)
    function = _function_places(run)
    numbers = {match.start(): match.end() for match in chinese.NUMBER.finditer(run)}
    at = 0
    while at < len(run):
        end = numbers.get(at, at + 1)
        key = _numeral(run[at:end]) if at in numbers else run[at]
        yield Word(run[at:end], key, place[at][0], place[end - 1][1], at not in function, True)
        at = end


def _function_places(run: str) -> set[int]:
    return {
        place for match in chinese.FUNCTION.finditer(run) for place in range(*match.span())
    } | _asking_places(run)


def _asking_places(run: str) -> set[int]:
    """Question words and negations are compared by what they ask and deny, not as content."""
    return {
        place
        for pattern in (*chinese.QUESTION_WORDS.values(), chinese.NEGATION)
        for match in pattern.finditer(run)
        for place in range(*match.span())
    }


def _numeral(run: str) -> str:
    """The number that a run of numerals writes: 三 as 3, 十二 as 12, 二零 as 20."""
    if not any(c in chinese.UNITS for c in run):
        return "".join(str(chinese.NUMERALS[c]) for c in run)
    total, digit = 0, 0
    for character in run:
        if character in chinese.UNITS:
            total += max(digit, 1) * chinese.UNITS[character]
            digit = 0
        else:
            digit = chinese.NUMERALS[character]
    return str(total + digit)
