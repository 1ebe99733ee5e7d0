"""Answers that are no query any more, or more than one."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence

from evalsuite.cases import Case, Language
from evalsuite.conversation import Role
from rewrite_answers.kinds import Kind, makes, words_of
from rewrite_answers.known import Known, known
from rewrite_answers.texts import gap, joined, listed, plain
from rewrite_answers.written import written


def _named(case: Case) -> tuple[Known, str] | None:
    """What is known of a case and its names as one; None where nothing must be named."""
    facts = known(case)
    return (facts, joined(facts.names, case.language)) if facts and facts.names else None


def _framed(case: Case, rng: random.Random, frames: Sequence[str]) -> str | None:
    """The right rewrite inside one of some frames."""
    facts = known(case)
    return None if facts is None else rng.choice(frames).replace("{}", facts.base)


@makes(Kind.BARE_NAME)
def bare_name(case: Case, rng: random.Random) -> str | None:
    """The antecedent and nothing else."""
    found = _named(case)
    marks = ".?" if case.language is Language.EN else "。？"
    return found and found[1] + rng.choice(["", *marks])


@makes(Kind.NAME_AND_NONSENSE)
def name_and_nonsense(case: Case, rng: random.Random) -> str | None:
    """The antecedent among words that ask nothing."""
    found = _named(case)
    if found is None:
        return None
    words = words_of(case)
    parts = [found[1], rng.choice(words.NONSENSE)]
    if rng.random() < 0.3:
        parts.reverse()
    if rng.random() < 0.3:
        parts.append(rng.choice(words.NONSENSE))
    return gap(case.language).join(parts) + rng.choice(("", "?", "."))


@makes(Kind.ANSWER)
def answer(case: Case, rng: random.Random) -> str | None:
    """A statement about the antecedent: the query turned round, in its words, or in others."""
    found = _named(case)
    if found is None:
        return None
    facts, name = found
    words = words_of(case)
    by_hand = written(case)
    if by_hand and rng.random() < 0.3:
        return by_hand.answer
    way = rng.random()
    if way < 0.4:
        zh = case.language is Language.ZH
        turned = _turned_round_zh(facts.base, rng) if zh else _turned_round(facts, rng)
        if turned:
            return turned
    nouns = [w for w in facts.words if (listed(w) or w) in words.NOUNS]
    if nouns and way < 0.7:
        return rng.choice(words.ANSWERS_WITH).format(name=name, word=rng.choice(nouns))
    return rng.choice(words.ANSWERS).format(name)


_VERBS = "will|would|could|should|can|is|was|has|did|does|must"


def _turned_round(facts: Known, rng: random.Random) -> str | None:
    """ "Will X stay big?" as "X will stay big."; who gets an answer."""
    body = facts.base.rstrip("?.! ")
    if not facts.base.endswith("?"):
        return None
    name = "|".join(re.escape(n) for n in facts.names)
    subject = rf"(?:(?:the|a|an|my|our) )?(?:{name})(?: and (?:{name}))?(?:'s \w+(?: \w+)?)?"
    found = re.match(rf"(?:.* )?((?i:{_VERBS})) ({subject}) (.+)$", body)
    if found:
        verb, who, rest = found.groups()
        made = f"{who} {verb.lower()} {rest}{rng.choice(('', ' since 1872', ', of course'))}."
        return rng.choice(("", "Yes, ")) + made[:1].upper() + made[1:]
    if body.startswith("Who "):
        return f"{rng.choice(('Nobody', 'My brother', 'Galileo'))} {body[4:]}."
    return None


_ZH_ANSWERED = (
    ("什么时候", "去年"), ("在哪里", "在北方"), ("从哪里", "从报纸上"), ("多少", "十七"),
    ("谁", "老师"), ("多久", "三天"), ("为何", "因此"), ("哪些", "这些"), ("几", "三"),
)  # fmt: skip


def _turned_round_zh(base: str, rng: random.Random) -> str | None:
    """吗 taken off behind a yes, or the question word answered; never 吗 alone: that still asks."""
    body = base.rstrip("？?。 ")
    if body.endswith("吗") and "，" not in body:
        return f"{rng.choice(('是的，', '不是，', '当然，'))}{body[:-1]}。"
    for word, told in _ZH_ANSWERED:
        if word in body and not body.endswith(("吗", "呢")) and "？" in base:
            return body.replace(word, told, 1) + "。"
    return None


@makes(Kind.OTHER_LANGUAGE)
def other_language(case: Case, rng: random.Random) -> str | None:
    """A question about the antecedent in a language that the query is not in."""
    found = _named(case)
    if found is None:
        return None
    facts, name = found
    words = words_of(case)
    by_hand = written(case)
    if by_hand and rng.random() < 0.3:
        return by_hand.translation
    if rng.random() < 0.7:
        for word in facts.words:
            abroad = words.NOUNS_ABROAD.get(listed(word) or word)
            if abroad:
                return rng.choice(words.ABROAD_WITH).format(name=name, word=abroad)
    return rng.choice(words.OTHER_TONGUE).format(name)


@makes(Kind.WRAPPER)
def wrapper(case: Case, rng: random.Random) -> str | None:
    """The right rewrite behind, before or inside a label."""
    return _framed(case, rng, words_of(case).LABELS)


@makes(Kind.JSON)
def as_json(case: Case, rng: random.Random) -> str | None:
    """The right rewrite as JSON data."""
    facts = known(case)
    if facts is None:
        return None
    key = rng.choice(("rewrite", "query", "rewritten_query", "answer", "text", "改写", "output"))
    one = {key: facts.base}
    data = rng.choice(
        (one, [facts.base], {"id": 1} | one, [one], one | {"language": case.language})
    )
    return json.dumps(data, ensure_ascii=False, indent=rng.choice((None, None, 2)))


@makes(Kind.CODE_FENCE)
def code_fence(case: Case, rng: random.Random) -> str | None:
    """The right rewrite in a fence or in backticks."""
    frames = (
        "```\n{}\n```", "```text\n{}\n```", "```{}```", "`{}`", "```\n{}", "~~~\n{}\n~~~",
        "```json\n{}\n```", "```query\n{}\n```\n",
    )  # fmt: skip
    return _framed(case, rng, frames)


@makes(Kind.MARKDOWN)
def markdown(case: Case, rng: random.Random) -> str | None:
    """The right rewrite as emphasis, heading, list, quotation or cell."""
    frames = (
        "**{}**", "# {}", "## {}", "- {}", "* {}", "> {}", "1. {}", "| {} |", "__{}__", "*{}*",
        "### Query\n{}", "---\n{}\n---",
    )  # fmt: skip
    return _framed(case, rng, frames)


@makes(Kind.SECOND_SENTENCE)
def second_sentence(case: Case, rng: random.Random) -> str | None:
    """The right rewrite with a sentence before or after it."""
    facts = known(case)
    if facts is None:
        return None
    words = words_of(case)
    between = "\n" if rng.random() < 0.2 else gap(case.language)
    if rng.random() < 0.3:
        return rng.choice(words.SENTENCES_BEFORE) + between + facts.base
    return ended(facts.base, case) + between + rng.choice(words.SENTENCES_AFTER)


def ended(text: str, case: Case) -> str:
    """The text with a mark at its end, so that a sentence can follow."""
    if text[-1] in ".?!。？！":
        return text
    return text + ("?" if case.language is Language.EN else "？")


@makes(Kind.SAID_TWICE)
def said_twice(case: Case, rng: random.Random) -> str | None:
    """The right rewrite twice, or two right rewrites."""
    facts = known(case)
    if facts is None:
        return None
    en = case.language is Language.EN
    gaps = (" ", "\n", " / ", " or ", " ... ", " And: ") if en else ("", "\n", " ", "或者", "；")
    between = rng.choice(gaps)
    again = rng.choice((facts.base, *case.expect.rewrites))
    return ended(facts.base, case) + between + again


@makes(Kind.ROLE_TEXT)
def role_text(case: Case, rng: random.Random) -> str | None:
    """The right rewrite, and then what a chat template or a transcript would go on with."""
    appended = [f"{{}}{text}" for text in words_of(case).ROLE_TEXTS]
    return _framed(case, rng, appended)


@makes(Kind.LAST_USER_TURN)
def last_user_turn(case: Case, rng: random.Random) -> str | None:
    """The user's turn before the query, copied."""
    del rng
    return _copied(case, [m.content for m in case.history if m.role is Role.USER])


@makes(Kind.LAST_TURN)
def last_turn(case: Case, rng: random.Random) -> str | None:
    """The last turn of the history, copied."""
    del rng
    return _copied(case, [m.content for m in case.history])


def _copied(case: Case, said: list[str]) -> str | None:
    """The last of what was said, unless it is the query or a right rewrite of it."""
    if not said or known(case) is None:
        return None
    taken = {plain(text) for text in (case.query, *case.expect.rewrites)}
    return None if plain(said[-1]) in taken else said[-1]
