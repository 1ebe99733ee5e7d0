"""Cases: one conversation, one query, and what a good rewrite of the query must and must not say.

This module owns the types. Reading and writing them as YAML is in :mod:`evalsuite.cases.casefiles`,
other people's formats are in :mod:`evalsuite.cases.importers`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase, InvalidConversation

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


class Language(StrEnum):
    """The language of the query."""

    EN = "en"
    ZH = "zh"

    @classmethod
    def of(cls, query: str) -> Language:
        """The language of a query: Chinese where it holds a Han character."""
        return cls.ZH if _HAN.search(query) else cls.EN


class WorldName(StrEnum):
    """Which conversations drawn cases are of; :mod:`evalsuite.scenarios` makes them."""

    NANO = "nano"
    """Words of the embedded model, put together in every way."""
    NATURAL = "natural"
    """Conversations that people could have (docs/natural.md)."""


class Kind(StrEnum):
    """What makes the query depend on its history; slices of every report."""

    SINGLE = "single"
    """One entity was mentioned; the query refers back to it."""
    COMPARISON = "comparison"
    """Two entities were compared; the assistant's answer settles which one is meant."""
    TOPIC_SWITCH = "topic_switch"
    """The conversation moved on to another entity; the latest one is meant."""
    DISTANT = "distant"
    """The antecedent lies four or more turns back, behind turns about other things."""
    PLURAL = "plural"
    """The query refers to several entities at once (they, both, 它们)."""
    PERSON = "person"
    """The antecedent is a person (he, she, 他, 她), told apart from a thing or another person."""
    ORDINAL = "ordinal"
    """The former, the latter, the first one, 前者, 后者."""
    DROPPED_SUBJECT = "dropped_subject"
    """The query has no subject at all; it has to be supplied."""
    CORRECTION = "correction"
    """The user corrects an earlier mention ("no, I meant ..."); the corrected entity is meant."""
    STANDALONE = "standalone"
    """The query already stands alone and must stay exactly as it is."""
    UNANSWERABLE = "unanswerable"
    """The turn that would settle the reference is missing: stay unchanged, never guess."""
    DEMONSTRATION_LURE = "demonstration_lure"
    """The history resembles a demonstration of the prompt, whose entity tempts."""
    NOISY = "noisy"
    """Typos, mixed scripts or mixed languages around an ordinary reference."""


_OF_REWRITES = (
    "rewrites", "must_name", "must_not_name", "aliases", "unchanged", "extractive", "free",
)  # fmt: skip
_OF_REWRITES = (
    "rewrites", "must_name", "must_not_name", "aliases", "unchanged", "extractive", "free",
)  # fmt: skip
_TEXTS = ("rewrites", "must_name", "must_not_name", "aliases", "answers", "not_answers")


class Wanted(StrEnum):
    """What is wanted of a case's query."""

    REWRITE = "rewrite"
    """To be rewritten so that it stands alone."""
    ANSWER = "answer"
    """To be answered."""


ID_PATTERN = r"[a-z0-9][a-z0-9._-]{0,79}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a good answer to a case says.

    Raises:
        InvalidCase: contradictory or empty fields.
    """

    rewrites: tuple[str, ...] = ()
    """Accepted rewrites; a case whose query stays unchanged needs none."""
    must_name: tuple[str, ...] = ()
    """Every one of these must occur in the answer (compared without case, NFKC)."""
    must_not_name: tuple[str, ...] = ()
    """None of these may occur in the answer."""
    unchanged: bool = False
    """The answer must be the query itself."""
    extractive: bool = False
    """The rewrites put back words of the history and change nothing else, as those of corpora of
    incomplete utterances do; then they are judged word by word although nobody said what must be
    named."""
    free: bool = False
    """People worded the rewrites as they liked: what they name is known, and no other word of
    theirs has to be kept. Without names a case with rewrites is free anyway."""
    aliases: tuple[str, ...] = ()
    """Shorter names by which an antecedent may be called too: a surname, an abbreviation."""
    answers: tuple[str, ...] = ()
    """The query is to be answered, and not rewritten: ways to write the right fact, such as ``47``
    and ``forty-seven``; one of them has to be stated. Of a fact that was never told, further ways
    to say so."""
    not_answers: tuple[str, ...] = ()
    """Facts about other things; an answer that states one is wrong."""
    untold: bool = False
    """The query is to be answered, and the history does not tell what it asks for: the right answer
    says so, or asks back."""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if any(not isinstance(v, str) or not v.strip() for v in values):
                raise InvalidCase(f"expect.{name}={list(values)!r} holds an empty text; remove it")
        if self.extractive and not self.rewrites:
            raise InvalidCase("extractive: true needs rewrites; nothing else says what is put back")
        if self.free and (self.extractive or not self.rewrites):
            raise InvalidCase(
                "free: true is said of rewrites that people worded as they liked; give rewrites, "
                "and not extractive: true"
            )
        both = {v.casefold() for v in self.must_name} & {v.casefold() for v in self.must_not_name}
        if both:
            raise InvalidCase(
                f"{sorted(both)!r} stands in must_name and in must_not_name; keep it in one"
            )
        if self.is_answered:
            self._require_an_answer_alone()
        elif self.not_answers:
            raise InvalidCase("not_answers needs answers, or untold: true")
        elif not (self.unchanged or self.rewrites or self.must_name):
            raise InvalidCase(
                "the case expects nothing; give rewrites, must_name, or unchanged: true; or, where "
                "the query is to be answered, answers or untold: true"
            )

    @property
    def named(self) -> tuple[str, ...]:
        """Every name that it holds: nothing invented may be called so."""
        return (*self.must_name, *self.must_not_name, *self.aliases)

    @property
    def is_answered(self) -> bool:
        """Whether the query is to be answered, and not rewritten."""
        return bool(self.answers) or self.untold

    def _require_an_answer_alone(self) -> None:
        said = [name for name in _OF_REWRITES if getattr(self, name)]
        if said:
            raise InvalidCase(
                f"a query is rewritten or answered: {', '.join(said)} belong to a rewrite, answers "
                "and untold to an answer; keep one, or write two cases"
            )
        if self.untold and any(one.strip().isdigit() for one in self.answers):
            raise InvalidCase(
                "of an untold fact answers are further ways to say that nobody told it, and no "
                f"facts: {list(self.answers)}"
            )
        both = {v.casefold() for v in self.answers} & {v.casefold() for v in self.not_answers}
        if both:
            raise InvalidCase(
                f"{sorted(both)!r} stands in answers and in not_answers; keep it in one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One history, one query, one expectation.

    Raises:
        InvalidCase: a bad id, an empty query, a system message in the history, an ``unchanged``
            case whose accepted rewrites differ from its query.
    """

    id: str
    language: Language
    kind: Kind
    cluster: str
    """Cases that share a cluster (a template, a history) are not independent evidence."""
    history: tuple[Message, ...]
    """Turns before the query, oldest first; may lack assistant turns, may be empty."""
    query: str
    expect: Expectation
    source: str = ""
    """Where it came from: ``file:line``, or ``scenarios/<split>/<seed>``."""

    def __post_init__(self) -> None:
        if not re.fullmatch(ID_PATTERN, self.id):
            raise InvalidCase(
                f"id={self.id!r} must be 1-80 of a-z, 0-9, '.', '_', '-', and start with one of "
                "a-z, 0-9"
            )
        for name, known in (("language", Language), ("kind", Kind)):
            value = getattr(self, name)
            if isinstance(value, known):
                continue
            if value not in tuple(known):
                raise InvalidCase(
                    f"case {self.id!r}: {name}={value!r} is unknown; use one of: {', '.join(known)}"
                )
            object.__setattr__(self, name, known(value))
        object.__setattr__(self, "history", tuple(self.history))
        if not self.cluster.strip():
            raise InvalidCase(f"case {self.id!r}: cluster is empty; give the template's name")
        if not self.query.strip():
            raise InvalidCase(f"case {self.id!r}: the query is empty")
        if any(m.role is Role.SYSTEM for m in self.history):
            raise InvalidConversation(f"case {self.id!r}: a history has no system message")
        if self.expect.unchanged and any(r != self.query for r in self.expect.rewrites):
            raise InvalidCase(
                f"case {self.id!r}: unchanged: true, but a rewrite differs from the query"
            )

    @property
    def wanted(self) -> Wanted:
        """What is wanted of its query."""
        return Wanted.ANSWER if self.expect.is_answered else Wanted.REWRITE

    @property
    def reference(self) -> str | None:
        """The preferred answer: the query where it must stay, else the first accepted rewrite."""
        if self.expect.unchanged:
            return self.query
        return self.expect.rewrites[0] if self.expect.rewrites else None
