"""A prompt: everything that decides how a case is put to a model and how its answer is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from pydantic import JsonValue

from evalsuite.cases import Case, Kind, Language, Wanted
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidPrompt
from evalsuite.prompts.answerrules import REWRITE, AnswerRule, Whole, written
from evalsuite.prompts.content import ANSWER_TASKS, Demonstration, PromptParts, task_text
from evalsuite.prompts.formats import DEFAULT_FORMAT, FORMATS, STYLES, get_format
from evalsuite.prompts.layout import Layout, Shown
from evalsuite.prompts.selection import Selection

_PROBES = (
    "How long is its line?",
    'Who said "no", and why: A or B?',
    "What's the price of the Kar Museum in Cork?",
    "Tell me about the 3.5 and 1,250 of them.",
    "它什么时候开门？",
    "《雨城》这部电影有多长，好看吗？",
    "再给我讲讲北京的历史。",
)
"""Answers that every form has to carry."""


class Only(StrEnum):
    """Whose turns of a history a prompt shows."""

    ALL = "all"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much of a history a prompt shows."""

    only: Only = Only.ALL
    last: int | None = None
    """The newest turns, counted after ``only``; None: all of them."""

    def of(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """Return the turns that are shown."""
        kept = [m for m in history if self.only is Only.ALL or m.role is Role.USER]
        return tuple(kept if self.last is None else kept[max(0, len(kept) - self.last) :])

    def hides(self, case: Case) -> bool:
        """Whether a case cannot be answered from what is shown: to learn it is to learn to guess.

        That is where a name is not shown, or the answer that settled between two.
        """
        shown = "\n".join((*(turn.content for turn in self.of(case.history)), case.query))
        names = (*case.expect.must_name, *case.expect.aliases)
        if names and not any(name in shown for name in names):
            return True
        return case.kind is Kind.COMPARISON and self.only is Only.USER


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer rule makes of what a model wrote."""

    answer: str
    """Empty where the rule finds none."""
    start: int | None = None
    """Where it begins in the text that was read; None: it does not stand there as it is."""
    outside: str = ""
    """All that was written beside it; empty where everything is the answer."""
    found: bool = True
    finished: bool = False
    """Whether the answer is known to be complete, whatever ended the generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """How a case is put to a model, and where its answer stands in what comes back.

    Raises:
        InvalidPrompt: a right answer does not begin with the prefill, is eaten by a stop string, or
            is not read back by the rule.
    """

    name: str = DEFAULT_FORMAT
    format: str = DEFAULT_FORMAT
    """Key of :data:`~evalsuite.prompts.formats.STYLES`; of no account where there is a layout."""
    layout: Layout | None = None
    tasks: Mapping[Language, str] = field(default_factory=dict)
    """The instruction by language; what is missing is the default one."""
    window: Window = Window()
    selection: Selection = field(default_factory=Selection)
    prefill: str = ""
    stop: tuple[str, ...] = ()
    rule: AnswerRule = field(default_factory=Whole)
    form: str = REWRITE
    """How a right answer is written, with ``{rewrite}`` in its place."""
    max_tokens: int = 96
    """Of an answer, beside the prefill."""
    wanted: Wanted = Wanted.REWRITE
    """What it asks for."""

    def __post_init__(self) -> None:
        # A plain dictionary, because other processes are handed prompts.
        object.__setattr__(self, "tasks", dict(self.tasks))
        get_format(self.format)
        if self.form != REWRITE or self.prefill or self.stop or not isinstance(self.rule, Whole):
            for probe in _PROBES:
                self._require_carried(probe)

    def __hash__(self) -> int:
        return hash((self.name, self.format, self.prefill, self.form))

    @property
    def built_in(self) -> bool:
        """Whether it is one of the package's own, which go by the name of their format."""
        return self == (ANSWER_PROMPT if self.name == "answer" else BUILT_IN.get(self.name))

    @property
    def instruction(self) -> str:
        """What the prompt says in its own words beside the task."""
        return self.layout.instruction if self.layout else ""

    def shows(self, usual: int) -> int:
        """How many demonstrations it shows; ``usual``: where it does not say how many."""
        if self.layout is not None and not self.layout.shows:
            return 0
        return usual if self.selection.number is None else self.selection.number

    def task(self, language: Language) -> str:
        """Return the instruction in a language."""
        default = ANSWER_TASKS[language] if self.wanted is Wanted.ANSWER else task_text(language)
        return self.tasks.get(language) or default

    def build(self, case: Case, demonstrations: Sequence[Demonstration] = ()) -> Conversation:
        """Return the conversation that asks for a case's rewrite; the prefill comes after it."""
        task, history = self.task(case.language), self.window.of(case.history)
        if self.layout is not None:
            shown = [
                Shown(self.window.of(d.history), d.query, d.rewrite, self._answer(d))
                for d in demonstrations
            ]
            return self.layout.format(task, shown, history, case.query)
        parts = PromptParts(
            task=task,
            demonstrations=tuple(self._as_shown(one) for one in demonstrations),
            history=history,
            query=case.query,
            solution=self.wanted.value,
        )
        return get_format(self.format).format(parts)

    def _as_shown(self, one: Demonstration) -> Demonstration:
        return replace(one, history=self.window.of(one.history), rewrite=self._answer(one))

    def _answer(self, one: Demonstration) -> str:
        return self.write(one.rewrite, put_in(one.entities, one.query, one.rewrite))

    def write(self, rewrite: str, named: Sequence[str] = ()) -> str:
        """Return what a model has to say to give this answer, from the prefill on.

        Args:
            rewrite: the answer.
            named: what it puts in, for forms that say so.
        """
        return written(self.rule, self.form, rewrite, named)

    def read(self, text: str) -> Read:
        """Read the answer out of what a model wrote, prefill left out.

        A stop string ends the text wherever it stands, as it would end the generation.
        """
        said, stopped = self.cut(self.prefill + text)
        found = self.rule.find(said)
        if found is None:
            return Read("", outside=said.strip(), found=False, finished=stopped)
        before = said[len(self.prefill) : found.start].strip()
        around = (before, found.beside, said[found.end :].strip())
        literal = said[found.start : found.end] == found.text
        start = found.start - len(self.prefill)
        return Read(
            found.text,
            start=start if literal and start >= 0 else None,
            outside="\n".join(filter(None, around)),
            finished=stopped or found.closed,
        )

    def loses(self, rewrite: str, named: Sequence[str] = ()) -> bool:
        """Whether a right answer would not be read: a stop string or the rule eats some of it."""
        return self.read(self.write(rewrite, named).removeprefix(self.prefill)).answer != rewrite

    def cut(self, said: str) -> tuple[str, bool]:
        """Return a text up to the first stop string behind the prefill, and whether one stood."""
        ends = [at for stop in self.stop if (at := said.find(stop, len(self.prefill))) >= 0]
        return said[: min(ends, default=len(said))], bool(ends)

    def in_format(self, format: str) -> Prompt:
        """The same in another format; a built-in one as that of its name."""
        if self.built_in:
            return built_in(format)
        return replace(self, name=f"{self.name} as {format}", format=format, layout=None)

    def _require_carried(self, probe: str) -> None:
        whole = self.write(probe)
        if not whole.startswith(self.prefill):
            raise InvalidPrompt(
                f"prefill={self.prefill!r}: no answer begins with it: a right one is {whole!r} by "
                "answer.form; make the form begin with the prefill"
            )
        read = self.read(whole.removeprefix(self.prefill))
        if read.answer == probe:
            return
        cut, stopped = self.cut(whole)
        why = f"what a stop string leaves of it, {cut!r}" if stopped else "it"
        raise InvalidPrompt(
            f"a right answer would be lost: {whole!r} is how answer.form writes {probe!r}, but "
            f"from {why} the rule {self.rule.rule!r} reads {read.answer!r}; change "
            f"{'stop' if stopped else 'answer'}"
        )

    @property
    def definition(self) -> dict[str, JsonValue]:
        """All that decides a prompt, as plain JSON of a fixed shape."""
        own: dict[str, JsonValue] = {"name": self.name}
        if self.layout is None:
            own["format"] = self.format
        else:
            own["layout"] = {
                "system": self.layout.system,
                "user": self.layout.user,
                "demonstration": self.layout.demonstration,
                "turns": {
                    "user": self.layout.turns.user,
                    "assistant": self.layout.turns.assistant,
                },
            }
        own["task"] = {language.value: self.task(language) for language in Language}
        own["history"] = {"only": self.window.only.value, "last": self.window.last}
        chosen = self.selection
        own["demonstrations"] = {
            "number": chosen.number,
            "choose": chosen.choose.value,
            "similarity": chosen.similarity.value,
            "order": chosen.order.value,
            "pool": [_plain(one) for one in chosen.pool],
        }
        own["answer"] = {**self.rule.keys, "form": self.form}
        if self.wanted is not Wanted.REWRITE:
            own["asks"] = self.wanted.value
        own |= {"prefill": self.prefill, "stop": list(self.stop), "max_tokens": self.max_tokens}
        return own

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the definition as canonical JSON."""
        text = json.dumps(self.definition, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(one: Demonstration) -> JsonValue:
    return {
        "language": one.language.value,
        "history": [[turn.role.value, turn.content] for turn in one.history],
        "query": one.query,
        "rewrite": one.rewrite,
        "entities": list(one.entities),
    }


def put_in(names: Sequence[str], query: str, rewrite: str) -> tuple[str, ...]:
    """The names that a rewrite holds and its query does not."""
    return tuple(name for name in names if name in rewrite and name not in query)


BUILT_IN: Mapping[str, Prompt] = MappingProxyType(
    {name: Prompt(name=name, format=name) for name in STYLES}
)
"""The package's own prompts, by the name of their format."""
DEFAULT_PROMPT = BUILT_IN[DEFAULT_FORMAT]
ANSWER_PROMPT = Prompt(name="answer", format="chat", tasks=ANSWER_TASKS, wanted=Wanted.ANSWER)
"""How a query is asked that is to be answered: as real turns."""


def built_in(format: str) -> Prompt:
    """Return the package's own prompt in a format.

    Raises:
        InvalidInput: there is no such format.
    """
    return BUILT_IN[get_format(format).name]


def others(prompt: Prompt) -> tuple[Prompt, ...]:
    """The same prompt in every other format that packs the history, by name.

    None for a layout, which says in its own words what an answer has to look like.
    """
    own = prompt.format
    if prompt.layout is not None:
        return ()
    return tuple(prompt.in_format(name) for name in sorted(set(FORMATS) - {own}))
