"""What the parts of a verdict are about, and the names that ``verdicts.json`` has for them.

:class:`Part` says what a part is about, ``str`` gives its name, and :func:`parse_part` reads a name
back. No other module puts such a name together or takes one apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Language


class Topic(StrEnum):
    """What a part of a verdict is about, by the first words of its name."""

    CHECKS = "checks"
    """Liveness checks."""
    PROPERTIES = "properties"
    """Properties of the chat template."""
    CONVERSATIONS = "conversations"
    """Conversations sent through the chat template."""
    ANSWERS = "answers"
    """Answers with a control token in them."""
    ENDINGS = "endings"
    """Answers that were cut off before they ended."""
    LITERAL = "literal"
    """Names and phrases that were copied from a demonstration."""
    SWAP = "swap"
    """Answers that changed with the demonstrations' names."""
    CONTROL = "control"
    """False alarms of the leak search."""
    FAILURE_RATE = "failure_rate"
    """Rewrites that are not right."""
    NON_INFERIORITY = "non_inferiority"
    """The same, compared with the baseline."""
    NAMED = "named"
    """Rewrites that do not name what is meant: this and the next three say in what way the
    failures of ``failure_rate`` are wrong, of the cases where each was asked."""
    KEPT = "kept"
    """Rewrites that do not ask what the query asks, or ask more."""
    FORM = "form"
    """Rewrites that are not one query with nothing around it."""
    UNTOUCHED = "untouched"
    """Queries that stand alone and were changed."""
    WORDS_LOST = "words_lost"
    """Words of the query that rewrites of one set lose, compared with the baseline's."""
    WORDS_NEW = "words_new"
    """Words that rewrites of one set add, compared with the baseline's."""
    PANEL = "panel"
    """A language that the policy asks for and no case of the panel has."""
    LANGUAGE = "language"
    """The panel's cases of one language."""
    KIND = "kind"
    """The panel's cases of one kind."""
    KIND_LANGUAGE = "kind+language"
    """The panel's cases of one kind in one language."""
    SKILLS = "skills"
    """All skills in one language."""
    SKILL = "skill"
    """One skill in one language."""
    TEXT = "text"
    """General text in one language."""
    DIVERGENCE = "divergence"
    """What the base answers in one language to general prompts, and the candidate finds less
    likely."""
    TASK_DIVERGENCE = "divergence/task"
    """The same, to prompts of the task."""
    PREFERRED = "preferred"
    """Questions to which a wrong fact is at least as likely an answer as the right one."""
    AS_TURNS = "as_turns"
    """Rewrites where the history is sent as turns, compared with where it is packed."""
    GOLDENS = "goldens"
    """One set of hand-written cases."""
    REMEMBERED = "regressions"
    """Histories that broke a candidate once."""
    REMEMBERED_ADVISORY = "regressions/advisory"
    """The same, of those that decide nothing."""
    LEAKAGE = "leakage"
    """Leaks compared with the champion's: all of them, or those of a kind or a language."""
    LEAKAGE_PANEL = "leakage/panel"
    """As ``panel``, in that comparison."""
    PRONOUNS = "pronouns"
    """Rewrites compared with the champion's: all of them, or those of a kind or a language."""
    PRONOUNS_PANEL = "pronouns/panel"
    """As ``panel``, in that comparison."""
    NATS = "nats"
    """Of two compared runs: losses in nats per token."""
    ALL_CASES = "all cases"
    """Of two compared runs: whatever a gate judged in both."""


_BY_LANGUAGE = frozenset(
    {
        Topic.PANEL,
        Topic.LANGUAGE,
        Topic.SKILLS,
        Topic.TEXT,
        Topic.DIVERGENCE,
        Topic.TASK_DIVERGENCE,
        Topic.LEAKAGE_PANEL,
        Topic.PRONOUNS_PANEL,
    }
)
_OF_A_SET = frozenset({Topic.GOLDENS, Topic.WORDS_LOST, Topic.WORDS_NEW})
_COMPARED = frozenset({Topic.LEAKAGE, Topic.PRONOUNS})
_LANGUAGES = frozenset(language.value for language in Language)
# The longest first: ``leakage/panel`` begins like ``leakage``.
_TOPICS = sorted(Topic, key=lambda topic: len(topic.value), reverse=True)


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a verdict is about."""

    topic: Topic
    language: str = ""
    """Empty: not of one language alone."""
    kind: str = ""
    """Kind of case; empty: not of one kind alone."""
    skill: str = ""
    golden_set: str = ""

    @classmethod
    def of_group(cls, topic: Topic, key: str) -> Part:
        """Return the part of a kind, a language or both, given as policies write a group.

        Args:
            topic: ``kind``, ``language`` or ``kind+language``.
            key: such as ``ordinal``, ``zh`` or ``ordinal+zh``; :attr:`key` is the inverse.
        """
        return _part(topic, key)

    @property
    def key(self) -> str:
        """The group of cases that it is about, as policies and sentences write it."""
        return "+".join(word for word in (self.kind, self.language) if word)

    @property
    def one_language(self) -> str:
        """The language, where the part is about that and no kind of case; else empty."""
        return "" if self.kind else self.language

    def __str__(self) -> str:
        """The name of the part; :func:`parse_part` is the inverse."""
        match self.topic:
            case topic if topic in _BY_LANGUAGE:
                return f"{topic}/{self.language}"
            case Topic.KIND:
                return f"{Topic.KIND}/{self.kind}"
            case Topic.KIND_LANGUAGE:
                return f"{Topic.KIND_LANGUAGE}/{self.kind}+{self.language}"
            case Topic.SKILL:
                return f"{Topic.SKILL}/{self.language}/{self.skill}"
            case topic if topic in _OF_A_SET:
                return f"{topic}/{self.golden_set}"
            case topic if topic in _COMPARED:
                return f"{topic}/{self.key}" if self.key else topic.value
            case topic:
                return topic.value


def parse_part(name: str) -> Part | None:
    """Return what the part of this name is about; None: a name that ``str`` of no part gives."""
    for topic in _TOPICS:
        if name == topic.value or name.startswith(f"{topic}/"):
            part = _part(topic, name[len(topic.value) + 1 :])
            return part if str(part) == name else None
    return None


def _part(topic: Topic, rest: str) -> Part:
    match topic:
        case topic if topic in _BY_LANGUAGE:
            return Part(topic, language=rest)
        case Topic.KIND:
            return Part(topic, kind=rest)
        case Topic.SKILL:
            language, _, skill = rest.partition("/")
            return Part(topic, language=language, skill=skill)
        case topic if topic in _OF_A_SET:
            return Part(topic, golden_set=rest)
        case topic if topic is Topic.KIND_LANGUAGE or "+" in rest:
            kind, _, language = rest.rpartition("+")
            return Part(topic, language=language, kind=kind)
        case _:
            return Part(topic, language=rest) if rest in _LANGUAGES else Part(topic, kind=rest)
