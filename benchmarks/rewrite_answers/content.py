"""Queries about the right thing that ask something else."""

from __future__ import annotations

import random
import re

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh
from rewrite_answers.kinds import Kind, makes, words_of
from rewrite_answers.known import Known, known
from rewrite_answers.texts import gap, history_text, joined, listed, plain, says_something, tokens


@makes(Kind.DROPPED)
def dropped(case: Case, rng: random.Random) -> str | None:
    """A content word of the query is gone."""
    facts = known(case)
    if facts is None or not facts.content:
        return None
    start, end = rng.choice(facts.content)
    rest = facts.base[:start] + facts.base[end:]
    return re.sub(r" +(?=[ ?.,!])", "", rest).strip()


@makes(Kind.REPLACED)
def replaced(case: Case, rng: random.Random) -> str | None:
    """A content word of the query gave way to another one of its class."""
    facts = known(case)
    if facts is None or not facts.content:
        return None
    start, end = rng.choice(facts.content)
    other = _replacement(facts.base, start, end, rng)
    if plain(other) in plain(case.query):
        return None
    return facts.base[:start] + other + facts.base[end:]


def _replacement(base: str, start: int, end: int, rng: random.Random) -> str:
    word = base[start:end]
    alike = rng.random() < 0.4
    if alike and word in words_zh.ALIKE:
        return words_zh.ALIKE[word]
    for pattern, other in words_zh.REPLACED:
        if any(m.span() == (start, end) for m in pattern.finditer(base)):
            return other
    known_word = listed(word)
    other = words_en.REPLACED[known_word] if known_word else rng.choice(words_en.ANY_NOUNS)
    if alike and known_word:
        other = words_en.ALIKE.get(known_word, other)
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[:1].isupper() else other


@makes(Kind.ADDED)
def added(case: Case, rng: random.Random) -> str | None:
    """A content word that neither query nor history holds."""
    facts = known(case)
    if facts is None:
        return None
    words = words_of(case)
    said = plain(history_text(case) + case.query + " ".join(case.expect.rewrites))
    nouns = [(s, e) for s, e in facts.content if _is_noun(facts.base[s:e], case)]
    if nouns and rng.random() < 0.5:
        start, _ = rng.choice(nouns)
        extra = rng.choice([w for w in words.ADDED_WORDS if plain(w) not in said])
        return facts.base[:start] + extra + gap(case.language) + facts.base[start:]
    extra = rng.choice([w for w in words.ADDED_PHRASES if plain(w) not in said])
    if case.language is Language.ZH:
        return extra + facts.base
    body = facts.base.rstrip("?.! ")
    return f"{body} {extra}{facts.base[len(body) :].strip()}"


def _is_noun(word: str, case: Case) -> bool:
    return (listed(word) or word) in words_of(case).NOUNS


@makes(Kind.ELSE_ASKED)
def else_asked(case: Case, rng: random.Random) -> str | None:
    """Another question about the antecedent, in other words."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    asked = _said(" ".join((case.query, *case.expect.rewrites)))
    words = words_of(case)
    near = {f for f, told in words.ASKED_ALIKE.items() if any(w in case.query for w in told)}
    frames = [f for f in words.ELSE_ASKED if f not in near and not _said(f) & asked]
    name = joined(facts.names, case.language)
    return rng.choice(frames).format(name) if frames else None


def _said(text: str) -> set[str]:
    """Beginnings of its content words; of Chinese text pairs of characters."""
    words = {t.folded[:5] for t in tokens(text) if t.text.isascii() and says_something(t.folded)}
    return words | set(re.findall(r"(?=([\u3400-\u9fff]{2}))", text))


# --- question words -----------------------------------------------------------------------------


@makes(Kind.QUESTION_WORD)
def question_word(case: Case, rng: random.Random) -> str | None:
    """Who becomes when, 多少 becomes 哪些."""
    facts = known(case)
    if facts is None:
        return None
    if case.language is Language.EN:
        return _other_question(facts, case, rng)
    for pattern, others in words_zh.QUESTION_WORDS:
        found = re.search(pattern, facts.base)
        if found and found.group() in case.query and not facts.within_name(*found.span()):
            return facts.base[: found.start()] + rng.choice(others) + facts.base[found.end() :]
    return None


def _other_question(facts: Known, case: Case, rng: random.Random) -> str | None:
    """Only where the question word leads a question: "what we know" asks nothing."""
    made = tokens(facts.base)
    asked = {t.folded for t in tokens(case.query)}
    for at, token in enumerate(made[:4]):
        leads = at == 0 or facts.base.rstrip().endswith("?")
        if not leads or token.folded not in words_en.QUESTION_WORDS or token.folded not in asked:
            continue
        if facts.within_name(token.start, token.end):
            continue
        end, follower = token.end, made[at + 1].folded if at + 1 < len(made) else ""
        others = words_en.QUESTION_WORDS[token.folded]
        if follower == "about":
            return None
        if at and made[at - 1].folded in words_en.PREPOSITIONS:
            others = ("Whose",) if token.folded in ("what", "which") else others
        elif token.folded == "what" and follower in words_en.NEGATED:
            others = ("When", "Why", "Who")
        if token.folded == "how" and follower in words_en.DEGREES:
            end = made[at + 1].end
            after = made[at + 2].folded if at + 2 < len(made) else ""
            others = ("When", "Why") if after in words_en.NEGATED else ("Which", "Whose")
        other = _cased(rng.choice(others), token.text)
        tail = "'s" if token.text.casefold().endswith("'s") else ""
        return facts.base[: token.start] + other + tail + facts.base[end:]
    return None


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word if like[:1].isupper() else word.lower()


# --- negation -----------------------------------------------------------------------------------


@makes(Kind.NEGATED)
def negated(case: Case, rng: random.Random) -> str | None:
    """What was affirmed is denied, or the other way round.

    A question to be answered by yes or no gets "never", not "not": "isn't it free?" asks the same.
    """
    facts = known(case)
    if facts is None:
        return None
    if case.language is Language.EN:
        return _undone(facts) or _denied(facts, rng) or _denied_statement(facts)
    if re.search(r"(.)[不没]\1", facts.base):
        return None
    polar = re.search(r"[吗吧]|，对|行", facts.base) is not None
    for pattern, flat, firm in words_zh.NEGATED:
        found = re.search(pattern, facts.base)
        if found and not facts.within_name(*found.span()):
            other = firm if polar else flat
            return facts.base[: found.start()] + other + facts.base[found.end() :]
    return None


_UNDONE = ((r"\bI never\b", "I"), (r"\bNobody\b", "Everybody"), (r"\bcannot\b", "can"))


def _undone(facts: Known) -> str | None:
    """A negation that the accepted rewrite holds, taken away."""
    for pattern, other in _UNDONE:
        if re.search(pattern, facts.base):
            return re.sub(pattern, other, facts.base, count=1)
    return None


_NEGATIVE = re.compile(r"(?i)n't\b|\bnot\b|\bnever\b|\bno\b|\bdont\b")


def _asks(word: str) -> bool:
    """Whether an auxiliary behind this word opens a question."""
    return word.casefold() in words_en.QUESTION_WORDS or word.casefold() in (
        *words_en.DEGREES, "and", "then", "else", "yes,",
    )  # fmt: skip


def _denied(facts: Known, rng: random.Random) -> str | None:
    """A question with "not" or "never" behind its auxiliary or behind its subject."""
    verbs = "|".join(words_en.NEGATED)
    found = re.search(rf"\b({verbs})\b", facts.base, re.IGNORECASE)
    if not found or facts.within_name(*found.span()) or _NEGATIVE.search(facts.base):
        return None
    front = facts.base[: found.start()].split()
    if found.group().casefold() in ("have", "has", "do") and front and not _asks(front[-1]):
        return None
    asks = any(word.casefold() in words_en.QUESTION_WORDS for word in front)
    wording = "not" if asks else "never"
    names = "|".join(re.escape(name) for name in facts.names)
    subject = rf" (?:(?:the|a|an|my|our) )?(?:{names}|{words_en.SUBJECTS})(?: and (?:{names}))?"
    pairs = "|".join(words_en.TWO_WORD_NOUNS)
    owned = rf"(?:'s (?:{pairs}|(?!{pairs})\w+))?"
    behind = re.match(rf"{subject}{owned}(?= \w)(?! (?:and|or|of))", facts.base[found.end() :])
    if behind and (not asks or rng.random() < 0.5):
        at = found.end() + behind.end()
        return f"{facts.base[:at]} {wording}{facts.base[at:]}"
    if not asks:
        return None
    other = words_en.NEGATED[found.group().casefold()]
    return (
        facts.base[: found.start()] + _cased_verb(other, found.group()) + facts.base[found.end() :]
    )


def _cased_verb(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word


def _denied_statement(facts: Known) -> str | None:
    base = facts.base
    if re.match(r"(?:Tell|Say|Remind|Show|Give|Let us)\b", base):
        return f"Do not {base[0].lower()}{base[1:]}"
    if base.startswith("Please describe"):
        return base.replace("Please describe", "Please do not describe")
    found = re.match(r"(I|You|We) (?:(?:really|always) )?(?=[a-z]{4})", base)
    return f"{found.group(1)} never {base[found.end() :]}" if found else None
