"""What stands around a query: more lines, brackets, fences, tags, labels, roles, marks and symbols.

Whatever query or accepted rewrites have themselves is free. An answer that equals an accepted
rewrite is asked for this too, since equality passes over marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites.judgement import Finding
from evalsuite.rewrites.known import known
from evalsuite.rewrites.words import MOST, words

_LINE_END = re.compile("[\n\v\f\r\x85\u2028\u2029]")
_MATES = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "〔": "〕", "〈": "〉", "《": "》"}
_AROUND = re.compile(
    "|".join(
        rf"^\s*{re.escape(a)}[^{re.escape(b)}]*{re.escape(b)}[\s.?!。？！]*$"
        for a, b in _MATES.items()
    )
)
"""Brackets around all of a text: it is clear what is inside, but nobody asked for them."""
_SIGNS = frozenset("©®™°")
"""Symbols that belong to names and numbers."""
_WRAPPERS = {
    "an arrow": re.compile(r"→|⇒|[=-]>"),
    "an assignment": re.compile(r"^\s*\w+(?:[ _]\w+)?\s*=\s*\S"),
    "a comment": re.compile(r"\s(?://|#|--)\s*\w"),
    "a code fence": re.compile(r"```|~~~"),
    "JSON": re.compile(r'^\s*[\[{].*["\'\]}]\s*:?.*[\]}]\s*$|"\s*:\s*["\[{]', re.DOTALL),
    "a tag": re.compile(r"</?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>|<\|[^<>|]*\|>"),
    "brackets around it": _AROUND,
    "a list mark": re.compile(
        r"^\s*(?:\d{1,2}(?:[.)](?=\D)|、)|[a-zA-Z]\)|[(（][a-zA-Z\d一二三四五六七八九十]{1,2}[)）]"
        r"|[一二三四五六七八九十]、|[\u2460-\u2473]|[•‣◦·–—]\s)"
    ),
    "an escaped end of a line": re.compile(r"\\[nr]"),
    "a mark that ends a text": re.compile(r"#{2,}|={2,}|^\s*-{3,}|-{3,}\s*$"),
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
_QUOTES = "\"'“‘「『"
_LABEL = re.compile(r"^\s*([^:：\n]{1,60})[:：](?!\d)\s*\S")


def wrapping(case: Case, answer: str) -> Iterator[Finding]:
    """What stands around a query: lines, fences, tags, labels, roles, symbols."""
    yield from _lines(case, answer)
    yield from _wrapped(case, answer)
    yield from _symbols(case, answer)


def texts_of(case: Case) -> tuple[str, ...]:
    """The texts whose marks and lines an answer may have: the query and its accepted rewrites."""
    return (case.query, *case.expect.rewrites)


def _lines(case: Case, answer: str) -> Iterator[Finding]:
    # Offsets stay those of the answer: what is stripped at its beginning is passed over.
    found = _LINE_END.search(answer.rstrip(), len(answer) - len(answer.lstrip()))
    if found and not any(_LINE_END.search(text.strip()) for text in texts_of(case)):
        span = Span(found.start(), len(answer), "another line")
        yield Finding("The answer has more than one line.", (span,))


def _wrapped(case: Case, answer: str) -> Iterator[Finding]:
    head = answer[:MOST]
    for what, pattern in _WRAPPERS.items():
        found = pattern.search(head)
        if found and not any(pattern.search(text) for text in texts_of(case)):
            yield Finding(f"The answer holds {what}.", (Span(*found.span(), what),))
    for pattern in (_BRACKETED, _DASHED):
        for found in pattern.finditer(head):
            if _is_strange(case, found.group(1)):
                yield Finding("The answer holds a label.", (Span(*found.span(1), "a label"),))
    yield from _told_about(case, answer)
    label = _LABEL.search(head)
    if label and (_is_label(case, label.group(1)) or label.group().rstrip()[-1] in _QUOTES):
        yield Finding("The answer begins with a label.", (Span(*label.span(), "a label"),))


_REWRITING = frozenset(
    "rewrite rewrites rewriting rewritten rewrote reword reworded rephrase rephrased query".split()
)
_REWRITING_HAN = re.compile("改写|重写|改述|完整问句|完整问题")


def _told_about(case: Case, answer: str) -> Iterator[Finding]:
    """Words that tell about a rewrite instead of being one: "The rewritten query is ..."."""
    told = [word for word in words(answer) if word.text in _REWRITING]
    # What is known of a case takes time, and hardly any answer holds such a word.
    facts = known(case) if told else None
    spans = [
        Span(word.start, word.end, "a label")
        for word in told
        if facts and not (facts.own.holds(word) or facts.heard.holds(word))
    ]
    texts = (*texts_of(case), *(message.content for message in case.history))
    match = _REWRITING_HAN.search(answer[:MOST])
    if match and not any(match.group() in text for text in texts):
        spans.append(Span(*match.span(), "a label"))
    if spans:
        yield Finding("The answer tells that it is a rewrite.", tuple(spans))


def _symbols(case: Case, answer: str) -> Iterator[Finding]:
    """Emoji, control characters, and what stands for bytes that could not be read."""
    symbols = [at for at, character in enumerate(answer[:MOST]) if _is_symbol(character)]
    heard = (message.content for message in case.history) if symbols else ()
    said = {character for text in (*texts_of(case), *heard) for character in text}
    at = next((at for at in symbols if answer[at] not in said), None)
    if at is not None:
        span = Span(at, at + 1, "a symbol")
        yield Finding(f"The answer holds a symbol (U+{ord(answer[at]):04X}).", (span,))


def _is_symbol(character: str) -> bool:
    if character.isascii() and character.isprintable():
        return False
    unsaid = category(character) in ("So", "Cc", "Co", "Cs")
    return unsaid and not character.isspace() and character not in _SIGNS


def _is_label(case: Case, text: str) -> bool:
    """Whether what stands before a colon asks nothing, or holds a word that nobody said."""
    own = known(case).own
    return _is_strange(case, text) or not any(w.content and own.holds(w) for w in words(text))


def _is_strange(case: Case, text: str) -> bool:
    """Whether a text holds a word that nobody said."""
    facts = known(case)
    return any(not (facts.own.holds(w) or facts.heard.holds(w)) for w in words(text) if w.content)
