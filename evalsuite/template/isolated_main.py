"""Runs in a process of its own: renders conversations at a given date, ours and the maker's way.

Started by :mod:`evalsuite.template.isolated` with a JSON job on standard input, answers with JSON
on standard output. The maker's Jinja template is somebody else's program: here it runs in Jinja's
immutable sandbox, with a limit on memory and on processor time. What a conversation raises is part
of the answer; lack of memory is not, it ends the process.
"""

from __future__ import annotations

import datetime
import json
import locale
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from jinja2.parser import Parser

    from evalsuite.conversation import Conversation
    from evalsuite.template.base import ChatTemplate
    from evalsuite.template.isolatedjob import (
        InferenceTold,
        Job,
        Reaction,
        RenderAnswer,
        RenderedText,
    )

_MAX_TEXT = 400_000
_SECONDS = 2.0
"""Of processor time for one text; an honest one takes milliseconds."""
_REAL = datetime.datetime
_REAL_DATE = datetime.date


def main() -> None:
    """Answer the job on standard input."""
    job: Job = json.load(sys.stdin)
    _limit(job["processor_seconds"], job["memory_bytes"])
    try:
        sys.stdout.write(json.dumps([_answer(job, date) for date in job["dates"]]))
    except TooLongError:
        sys.exit(
            f"one text took more than {_SECONDS:g} s of processor time; see whether "
            "chat_template.jinja loops"
        )
    except MemoryError:
        limit = job["memory_bytes"] / 1024**3
        sys.exit(f"it ran out of memory, of which it may have {limit:.3g} GiB")


class TooLongError(BaseException):
    """A text takes too long: a program that loops; no Exception, which is a template's answer."""


def _rendered(template: Template, **names: object) -> str:
    """Return a template's text for these names, if it takes no longer than it may."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooLongError

    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(signal, "setitimer"):
        # On Windows, or within somebody's thread: the caller's time limit has to do.
        return template.render(**names)
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        return template.render(**names)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _limit(processor_seconds: int, memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the caller's time limit has to do
        return
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, processor_seconds),
    ):
        _, hard = resource.getrlimit(what)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (soft, hard))


def _move_clock(date: str) -> None:
    moment = _REAL.fromisoformat(date)

    class Moved(_REAL):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Moved:
            return cls.fromtimestamp(moment.timestamp(), tz)

        @classmethod
        def today(cls) -> Moved:
            return cls.now()

    class MovedDate(_REAL_DATE):
        @classmethod
        def today(cls) -> MovedDate:
            return cls(moment.year, moment.month, moment.day)

    datetime.datetime = Moved  # type: ignore[misc]
    datetime.date = MovedDate  # type: ignore[misc]
    time.time = moment.timestamp


def _answer(job: Job, date: str | None) -> RenderAnswer:
    if date is not None:
        _move_clock(date)
    _set_locale()
    if job.get("infer"):
        return {"inferred": _inferred(job)}
    from evalsuite.conversation import Conversation
    from evalsuite.template import load_template

    conversations = [
        Conversation.of(*((role, content) for role, content in turns))
        for turns in job["conversations"]
    ]
    if job["own"]:
        return {
            "own": _own(job, conversations, dated=date is not None),
            "reactions": _reactions(job) if job["reactions"] else [],
        }
    template = load_template(job["folder"], family=job.get("family"))
    return {
        "fingerprint": template.fingerprint,
        "renders": [_render(template, conversation) for conversation in conversations],
    }


def _inferred(job: Job) -> InferenceTold:
    """Learn the format of the folder's own template, without a clock if it does without one."""
    from evalsuite.template.inference.learning import NoFormat, Render
    from evalsuite.template.inference.telling import inferred
    from evalsuite.template.sourcewords import source_numbers, source_words
    from evalsuite.template.tokenizerfolder import read_template

    written, config = read_template(job["folder"])
    source, arguments = written or "", job.get("arguments", {})

    def rendering(dated: bool, parts: bool) -> Render:
        clock = datetime.datetime.now() if dated else None
        return template_render(source, config, arguments, clock=clock, parts=parts)

    try:
        environment = _environment()
        words = source_words(environment, source)
        numbers = source_numbers(environment, source)
        return inferred(rendering, words, job.get("tokens", []), numbers)
    except NoFormat as error:
        turns = None if error.turns is None else [(role, text) for role, text in error.turns]
        return {"refused": error.reason, "turns": turns}
    except MemoryError:
        raise
    except Exception as error:  # no Jinja program
        return {"refused": f"it gives no text: {_raised(error)['error']}", "turns": None}


def template_render(
    source: str,
    config: Mapping[str, object],
    arguments: Mapping[str, bool] | None = None,
    *,
    clock: datetime.datetime | None = None,
    parts: bool = False,
) -> Callable[[Sequence[tuple[str, str]]], str]:
    """Return a function that gives a template's text for (role, content) turns.

    Whoever calls it in a process that has something to lose must trust the template.

    Args:
        source: a Jinja program.
        config: of the tokenizer.
        arguments: what the template is given beside messages and tokens.
        clock: the moment at which it lives; None: it cannot ask for the date.
        parts: whether contents are lists of one part.
    """
    from evalsuite.template.inference.learning import NoText

    template = _compile(source, clock=clock)
    names = _names(config) | dict(arguments or {})

    def text(turns: Sequence[tuple[str, str]]) -> str:
        messages = _messages(turns, parts=parts)
        asks = turns[-1][0] == "user"
        try:
            told = _rendered(template, messages=messages, add_generation_prompt=asks, **names)
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody else's program raises is its answer
            raise NoText(_raised(error)["error"]) from error
        if len(told) > _MAX_TEXT:
            raise NoText(f"its text has {len(told)} characters")
        return told

    return text


def _set_locale() -> None:
    """Take the first locale there is that is not the usual one; a render must not notice."""
    for name in ("tr_TR.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        return


def _render(template: ChatTemplate, conversation: Conversation) -> RenderedText:
    from evalsuite.errors import EvalsuiteError

    try:
        return {"ids": list(template.render(conversation).ids)}
    except EvalsuiteError as error:
        return _raised(error)


def _own(
    job: Job, conversations: Sequence[Conversation], *, dated: bool
) -> list[RenderedText] | None:
    from evalsuite.template.tokenizerfolder import read_template

    source, config = read_template(job["folder"])
    if source is None:
        return None
    try:
        clock = datetime.datetime.now() if dated else None
        template = _compile(source, clock=clock)
    except MemoryError:
        raise
    except Exception as error:  # no Jinja program, so no conversation has a text
        return [_raised(error)] * (len(conversations) + len(job.get("raw", ())))
    names = _names(config) | job.get("arguments", {})
    answers: list[RenderedText] = []
    told = [[(str(m.role), m.content) for m in c.messages] for c in conversations]
    asked = [(turns, turns[-1][0] == "user") for turns in told]
    asked += [
        ([(role, content) for role, content in raw["turns"]], raw["asks"])
        for raw in job.get("raw", ())
    ]
    for turns, prompt in asked:
        messages = _messages(turns, parts=job.get("parts", False))
        try:
            text = _rendered(template, messages=messages, add_generation_prompt=prompt, **names)
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody else's program raises is its answer
            answers.append(_raised(error))
            continue
        if len(text) > _MAX_TEXT:
            answers.append({"error": f"its text has {len(text)} characters"})
            continue
        answers.append({"text": text})
    return answers


def _reactions(job: Job) -> list[Reaction]:
    """Tell what contents do to the template's text beside appearing in it, and what a clock does.

    Tried is every text that its source holds, and what its decisions compare contents with; see
    :mod:`evalsuite.template.following`.
    """
    from evalsuite.template.following import Follower, clock_decision
    from evalsuite.template.instrument import instrumented
    from evalsuite.template.sourcewords import words
    from evalsuite.template.tokenizerfolder import read_template

    source, config = read_template(job["folder"])
    environment = _environment(clock=datetime.datetime.now())
    try:
        template, recorder = instrumented(environment, source or "")
        known = words(environment, source or "")
    except MemoryError:
        raise
    except ValueError as error:
        return [{"problem": str(error)}]
    except Exception:  # told by the comparison of texts
        return []
    names = _names(config) | job.get("arguments", {})

    def text(roles: Sequence[str], contents: Sequence[str]) -> str | None:
        turns = list(zip(roles, contents, strict=True))
        messages = _messages(turns, parts=job.get("parts", False))
        prompt = roles[-1] == "user"
        try:
            return _rendered(template, messages=messages, add_generation_prompt=prompt, **names)
        except MemoryError:
            raise
        except Exception:  # a refusal is no text; the comparison of texts tells of it
            return None

    found = Follower(text, recorder).follow(known)
    decided = clock_decision(text, recorder, environment.globals)
    return [*found, {"clock": decided}] if decided else found


def _messages(turns: Sequence[tuple[str, str]], *, parts: bool) -> list[dict[str, object]]:
    """Turns as a template is given them, each content as a text or as a list of one part."""
    return [
        {"role": role, "content": [{"type": "text", "text": said}] if parts else said}
        for role, said in turns
    ]


def _raised(error: Exception) -> RenderedText:
    line = getattr(error, "lineno", None)
    where = f" (line {line} of the template)" if line else ""
    # On one line and without escapes: a template may raise whatever it likes.
    said = repr(str(error)[:200])[1:-1]
    return {"error": f"{type(error).__name__}: {said}{where}"}


def _names(config: Mapping[str, object]) -> dict[str, object]:
    """What transformers hands to a template beside the messages."""
    from evalsuite.template.tokenizerfolder import token_text

    names = [f"{name}_token" for name in ("bos", "eos", "pad", "unk", "cls", "sep", "mask")]
    tokens = {name: token_text(config.get(name)) for name in names}
    return {"tools": None, "documents": None} | {n: text for n, text in tokens.items() if text}


def _compile(source: str, *, clock: datetime.datetime | None = None) -> Template:
    return _environment(clock=clock).from_string(source)


def _environment(*, clock: datetime.datetime | None = None) -> Environment:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """The block tag with which makers mark what the assistant says; its body is kept."""

        tags = {"generation"}  # noqa: RUF012  # jinja's own way to declare it

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def tojson(
        value: object,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    if clock is not None:
        environment.globals["strftime_now"] = clock.strftime
    return environment


if __name__ == "__main__":
    main()
