"""Queries about the right thing that ask something else."""

from __future__ import annotations

import random
import re

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh
from rewrite_answers.kinds import Kind, words_of, wrong
from rewrite_answers.known import Known, history_text, known, name_spans, plain, table_word, tokens

_OTHER_NOUNS = ("umbrella", "ladder", "marble", "carpet", "pillow", "spoon", "saxophone")


@wrong(Kind.DROPPED)
def dropped(case: Case, rng: random.Random) -> str | None:
    """A content word of the query is gone."""
    facts = known(case)
    if facts is None or not facts.content:
        return None
    start, end = rng.choice(facts.content)
    return re.sub(r" {2,}", " ", facts.base[:start] + facts.base[end:]).replace(" ?", "?").strip()


@wrong(Kind.REPLACED)
def replaced(case: Case, rng: random.Random) -> str | None:
    """A content word of the query gave way to another one."""
    facts = known(case)
    if facts is None or not facts.content:
        return None
    start, end = rng.choice(facts.content)
    other = _replacement(facts.base, start, end, case, rng)
    made = facts.base[:start] + other + facts.base[end:]
    return None if other in case.query else made


def _replacement(base: str, start: int, end: int, case: Case, rng: random.Random) -> str:
    word = base[start:end]
    if case.language is Language.ZH:
        return next(
            other
            for pattern, other in words_zh.REPLACED
            for m in pattern.finditer(base)
            if m.span() == (start, end)
        )
    listed = table_word(word)
    other = rng.choice(words_en.REPLACED[listed] if listed else _OTHER_NOUNS)
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[:1].isupper() else other


@wrong(Kind.ADDED)
def added(case: Case, rng: random.Random) -> str | None:
    """A content word that neither query nor history holds."""
    facts = known(case)
    if facts is None:
        return None
    words = words_of(case)
    said = plain(history_text(case) + case.query + " ".join(case.expect.rewrites))
    if facts.content and rng.random() < 0.5:
        start, _ = rng.choice(facts.content)
        extra = rng.choice([w for w in words.ADDED_WORDS if plain(w) not in said])
        gap = " " if case.language is Language.EN else ""
        return facts.base[:start] + extra + gap + facts.base[start:]
    extra = rng.choice([w for w in words.ADDED_PHRASES if plain(w) not in said])
    if case.language is Language.ZH:
        return extra + facts.base
    body = facts.base.rstrip("?.! ")
    return f"{body} {extra}{facts.base[len(body) :].strip()}"


@wrong(Kind.ELSE_ASKED)
def else_asked(case: Case, rng: random.Random) -> str | None:
    """Another question about the antecedent."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    asked = {_stem(w) for w in _said(case.query + " " + " ".join(case.expect.rewrites), case)}
    frames = [
        frame
        for frame in words_of(case).ELSE_ASKED
        if not any(_stem(w) in asked for w in _said(frame, case))
    ]
    joint = " and " if case.language is Language.EN else "和"
    return rng.choice(frames).format(joint.join(facts.names)) if frames else None


def _said(text: str, case: Case) -> list[str]:
    if case.language is Language.EN:
        found = (t.folded for t in tokens(text, case.language))
        return [w for w in found if w not in words_en.FUNCTION_WORDS]
    return [pair for pair in re.findall(r"(?=([\u3400-\u9fff]{2}))", text)]


def _stem(word: str) -> str:
    return word[:5]


@wrong(Kind.QUESTION_WORD)
def question_word(case: Case, rng: random.Random) -> str | None:
    """Who becomes when, 多少 becomes 哪些."""
    facts = known(case)
    if facts is None:
        return None
    if case.language is Language.EN:
        return _other_question_en(facts, case, rng)
    for pattern, others in words_zh.QUESTION_WORDS:
        found = re.search(pattern, facts.base)
        if found and found.group() in case.query and not _inside(found.span(), facts):
            other = rng.choice(others)
            return facts.base[: found.start()] + other + facts.base[found.end() :]
    return None


def _other_question_en(facts: Known, case: Case, rng: random.Random) -> str | None:
    asked = {t.folded for t in tokens(case.query, case.language)}
    for token in tokens(facts.base, case.language):
        if token.folded not in words_en.QUESTION_WORDS or token.folded not in asked:
            continue
        if _inside((token.start, token.end), facts):
            continue
        other = rng.choice(words_en.QUESTION_WORDS[token.folded])
        other = other if token.text[:1].isupper() else other.lower()
        return facts.base[: token.start] + other + facts.base[token.end :]
    return None


def _inside(span: tuple[int, int], facts: Known) -> bool:
    return any(s < span[1] and span[0] < e for s, e in name_spans(facts.base, facts.names))


@wrong(Kind.NEGATED)
def negated(case: Case, rng: random.Random) -> str | None:
    """What was affirmed is denied, or the other way round."""
    facts = known(case)
    if facts is None:
        return None
    if case.language is Language.EN:
        return _negated_en(facts, case, rng)
    for pattern, other in words_zh.NEGATED:
        found = re.search(pattern, facts.base)
        if found and not _inside(found.span(), facts) and not re.search(r"(.)[不没]\1", facts.base):
            return facts.base[: found.start()] + other + facts.base[found.end() :]
    return None


_UNDONE = (
    (r"\bI never\b", "I"),
    (r"\bNobody\b", "Everybody"),
    (r"\bcannot\b", "can"),
)


def _negated_en(facts: Known, case: Case, rng: random.Random) -> str | None:
    for pattern, other in _UNDONE:
        if re.search(pattern, facts.base):
            return re.sub(pattern, other, facts.base, count=1)
    for token in tokens(facts.base, case.language):
        if _inside((token.start, token.end), facts):
            continue
        if token.folded in words_en.NEGATED_AUXILIARIES:
            return _deny(facts, token.start, token.end, rng)
    found = re.match(r"(Tell|Say|Remind|Please (?:describe))\b", facts.base)
    if found:
        return f"Do not {facts.base[0].lower()}{facts.base[1:]}".replace("Do not please", "Please do not")
    found = re.match(r"(I|You|We) ((?:really|always) )?(?=[a-z]{4})", facts.base)
    if found:
        return f"{found.group(1)} never {facts.base[found.end():]}"
    return None


def _deny(facts: Known, start: int, end: int, rng: random.Random) -> str:
    """Contract "not" into the auxiliary, or put it behind the name that follows."""
    word = facts.base[start:end]
    behind = [e for s, e in name_spans(facts.base, facts.names) if s > end]
    following = facts.base[behind[0] :].lstrip() if behind else ""
    if behind and re.match(r"[a-z]{3}", following) and rng.random() < 0.5:
        return f"{facts.base[: behind[0]]} not{facts.base[behind[0] :]}"
    other = words_en.NEGATED_AUXILIARIES[word.casefold()]
    if word.isupper():
        other = other.upper()
    elif word[:1].isupper():
        other = other.capitalize()
    return facts.base[:start] + other + facts.base[end:]
