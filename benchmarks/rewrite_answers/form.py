"""Answers that are no query any more, or more than one."""

from __future__ import annotations

import json
import random

from evalsuite.cases import Case, Language
from evalsuite.conversation import Role
from rewrite_answers.kinds import Kind, words_of, wrong
from rewrite_answers.known import Known, known, plain, table_word


@wrong(Kind.BARE_NAME)
def bare_name(case: Case, rng: random.Random) -> str | None:
    """The antecedent and nothing else."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    joint, marks = (" and ", ".?") if case.language is Language.EN else ("和", "。？")
    return joint.join(facts.names) + rng.choice(["", *marks])


@wrong(Kind.NAME_AND_NONSENSE)
def name_and_nonsense(case: Case, rng: random.Random) -> str | None:
    """The antecedent among words that ask nothing."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    words = words_of(case)
    gap = " " if case.language is Language.EN else ""
    parts = [*facts.names, rng.choice(words.NONSENSE)]
    if rng.random() < 0.3:
        parts.reverse()
    if rng.random() < 0.3:
        parts.append(rng.choice(words.NONSENSE))
    return gap.join(parts)


@wrong(Kind.ANSWER)
def answer(case: Case, rng: random.Random) -> str | None:
    """A statement about the antecedent, in the query's words or in others."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    words = words_of(case)
    joint = " and " if case.language is Language.EN else "和"
    name = joint.join(facts.names)
    asked = [facts.base[s:e] for s, e in facts.content]
    if asked and rng.random() < 0.5:
        return rng.choice(words.ANSWERS_WITH).format(name=name, word=rng.choice(asked))
    return rng.choice(words.ANSWERS).format(name)


@wrong(Kind.OTHER_LANGUAGE)
def other_language(case: Case, rng: random.Random) -> str | None:
    """A question about the antecedent in a language that the query is not in."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    words = words_of(case)
    joint = " and " if case.language is Language.EN else "、"
    name = joint.join(facts.names)
    for word in _attributes(facts, case.language):
        if word in words.ATTRIBUTES_ABROAD and rng.random() < 0.7:
            abroad = words.ATTRIBUTES_ABROAD[word]
            return rng.choice(words.ABROAD_WITH).format(name=name, word=abroad)
    return rng.choice(words.OTHER_TONGUE).format(name)


def _attributes(facts: Known, language: Language) -> list[str]:
    found = [facts.base[s:e] for s, e in facts.content]
    return [table_word(w) or w for w in found] if language is Language.EN else found


@wrong(Kind.WRAPPER)
def wrapper(case: Case, rng: random.Random) -> str | None:
    """The right rewrite behind, before or inside a label."""
    facts = known(case)
    return facts and rng.choice(words_of(case).LABELS).format(facts.base)


@wrong(Kind.JSON)
def as_json(case: Case, rng: random.Random) -> str | None:
    """The right rewrite as JSON data."""
    facts = known(case)
    if facts is None:
        return None
    key = rng.choice(("rewrite", "query", "rewritten_query", "answer", "text", "改写", "output"))
    data = rng.choice(({key: facts.base}, [facts.base], {"id": 1, key: facts.base}, [{key: facts.base}]))
    return json.dumps(data, ensure_ascii=False, indent=rng.choice((None, None, 2)))


@wrong(Kind.CODE_FENCE)
def code_fence(case: Case, rng: random.Random) -> str | None:
    """The right rewrite in a fence or in backticks."""
    facts = known(case)
    frames = ("```\n{}\n```", "```text\n{}\n```", "```{}```", "`{}`", "```\n{}", "~~~\n{}\n~~~")
    return facts and rng.choice(frames).format(facts.base)


@wrong(Kind.MARKDOWN)
def markdown(case: Case, rng: random.Random) -> str | None:
    """The right rewrite as emphasis, heading, list, quotation or cell."""
    facts = known(case)
    frames = (
        "**{}**", "# {}", "## {}", "- {}", "* {}", "> {}", "1. {}", "| {} |", "__{}__", "*{}*",
        "### Query\n{}", "---\n{}\n---",
    )  # fmt: skip
    return facts and rng.choice(frames).format(facts.base)


@wrong(Kind.SECOND_SENTENCE)
def second_sentence(case: Case, rng: random.Random) -> str | None:
    """The right rewrite with a sentence before or after it."""
    facts = known(case)
    if facts is None:
        return None
    words = words_of(case)
    gap = " " if case.language is Language.EN else ""
    gap = "\n" if rng.random() < 0.2 else gap
    if rng.random() < 0.3:
        return rng.choice(words.SENTENCES_BEFORE) + gap + facts.base
    return ended(facts.base, case) + gap + rng.choice(words.SENTENCES_AFTER)


def ended(text: str, case: Case) -> str:
    """The text with a mark at its end, so that a sentence can follow."""
    if text[-1] in ".?!。？！":
        return text
    return text + ("?" if case.language is Language.EN else "？")


@wrong(Kind.SAID_TWICE)
def said_twice(case: Case, rng: random.Random) -> str | None:
    """The right rewrite twice, or two right rewrites."""
    facts = known(case)
    if facts is None:
        return None
    gap = rng.choice((" ", "\n", " / ", " or ") if case.language is Language.EN else ("", "\n", " ", "或者"))
    again = rng.choice((facts.base, *case.expect.rewrites))
    return ended(facts.base, case) + gap + again


@wrong(Kind.ROLE_TEXT)
def role_text(case: Case, rng: random.Random) -> str | None:
    """The right rewrite, and then what a chat template would write."""
    facts = known(case)
    return facts and facts.base + rng.choice(words_of(case).ROLE_TEXTS).replace("{}", facts.base)


@wrong(Kind.LAST_USER_TURN)
def last_user_turn(case: Case, rng: random.Random) -> str | None:
    """The user's turn before the query, copied."""
    del rng
    said = [m.content for m in case.history if m.role is Role.USER]
    return _copied(case, said)


@wrong(Kind.LAST_TURN)
def last_turn(case: Case, rng: random.Random) -> str | None:
    """The last turn of the history, copied."""
    del rng
    return _copied(case, [m.content for m in case.history])


def _copied(case: Case, said: list[str]) -> str | None:
    if not said or known(case) is None:
        return None
    right = {plain(text) for text in case.expect.rewrites}
    return None if plain(said[-1]) in right else said[-1]


