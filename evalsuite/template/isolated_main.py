"""Runs in a process of its own: renders conversations at a given date, ours and the maker's way.

Started by :mod:`evalsuite.template.isolated` with a JSON job on standard input, answers with JSON
on standard output. The maker's Jinja template is somebody else's program: here it runs in Jinja's
immutable sandbox, with a limit on memory and on processor time. What a conversation raises is part
of the answer; lack of memory is not, it ends the process.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from typing import Any

_MAX_TEXT = 4_000_000
_REAL = datetime.datetime
_REAL_DATE = datetime.date


def main() -> None:
    """Answer the job on standard input."""
    job = json.load(sys.stdin)
    _limit(job["processor_seconds"], job["memory_bytes"])
    try:
        sys.stdout.write(json.dumps([_answer(job, date) for date in job["dates"]]))
    except MemoryError:
        limit = job["memory_bytes"] / 1024**3
        sys.exit(f"it ran out of memory, of which it may have {limit:.3g} GiB")


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


def _answer(job: dict[str, Any], date: str) -> dict[str, Any]:
    _move_clock(date)
    from evalsuite.conversation import Conversation
    from evalsuite.template import load_template

    conversations = [Conversation.of(*map(tuple, turns)) for turns in job["conversations"]]
    if job["own"]:
        return {"own": _own(job["folder"], conversations)}
    template = load_template(job["folder"])
    return {
        "fingerprint": template.fingerprint,
        "renders": [_render(template, conversation) for conversation in conversations],
    }


def _render(template: Any, conversation: Any) -> dict[str, Any]:
    from evalsuite.errors import EvalsuiteError

    try:
        return {"ids": list(template.render(conversation).ids)}
    except EvalsuiteError as error:
        return _raised(error)


def _own(folder: str, conversations: list[Any]) -> list[dict[str, Any]] | None:
    from evalsuite.template.files import full_tokenizer, read_tokenizer

    files = read_tokenizer(folder)
    if files.chat_template is None:
        return None
    try:
        template = _compile(files.chat_template)
    except MemoryError:
        raise
    except Exception as error:  # no Jinja program, so no conversation has a text
        return [_raised(error)] * len(conversations)
    tokenizer = full_tokenizer(files)
    names = {f"{name}_token": _token(files.config, name) for name in ("bos", "eos", "pad", "unk")}
    answers: list[dict[str, Any]] = []
    for conversation in conversations:
        messages = [{"role": str(m.role), "content": m.content} for m in conversation.messages]
        prompt = messages[-1]["role"] == "user"
        try:
            text = template.render(messages=messages, add_generation_prompt=prompt, **names)
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody else's program raises is its answer
            answers.append(_raised(error))
            continue
        if len(text) > _MAX_TEXT:
            answers.append({"error": f"its text has {len(text)} characters"})
            continue
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        answers.append({"text": text, "ids": ids})
    return answers


def _raised(error: Exception) -> dict[str, Any]:
    return {"error": f"{type(error).__name__}: {str(error)[:200]}"}


def _token(config: Any, name: str) -> str:
    from evalsuite.template.files import token_text

    return token_text(config.get(f"{name}_token"))


def _compile(source: str) -> Any:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """The block tag with which makers mark what the assistant says; its body is kept."""

        tags = {"generation"}  # noqa: RUF012  # jinja's own way to declare it

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: object, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return environment.from_string(source)


if __name__ == "__main__":
    main()
