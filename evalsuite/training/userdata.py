"""Own training data: case files, and JSONL with one ``{"messages": [...]}`` per line.

The JSONL layout is the one that chat fine-tuning tools share: every assistant turn is learned.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

from evalsuite.cases.casefiles import load_cases
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidConversation, InvalidInput
from evalsuite.prompts import Prompt
from evalsuite.scenarios import sample_demonstrations
from evalsuite.training.recipe import DataRecipe
from evalsuite.training.samples import Sample, case_sample

_KEYS = {"messages", "cluster", "id"}
_UNTAUGHT = {
    "reasoning_content": "a thought",
    "reasoning": "a thought",
    "thinking": "a thought",
    "tool_calls": "a call of tools",
    "function_call": "a call of a function",
}
"""Keys of messages that other tools write, and what they hold; empty ones are left out."""
_LONGEST_LINE = 1 << 24


def load_own(recipe: DataRecipe, seed: int, prompt: Prompt | None = None) -> tuple[Sample, ...]:
    """Read every file and folder of ``recipe.files``, in order.

    Raises:
        InvalidInput: no such file, an unknown suffix, a wrong line; with file and line.
    """
    rng = random.Random(f"own/{seed}")  # noqa: S311 - sampling, not security
    samples: list[Sample] = []
    for name in recipe.files:
        for path in _expand(Path(name)):
            if path.suffix == ".jsonl":
                samples += _jsonl(path)  # messages are learned as they stand
            else:
                samples += _cases(path, recipe, rng, prompt)
    return tuple(samples)


def source_of(recipe: DataRecipe) -> str:
    """Name where the data came from, whatever the seed made of it: what a lineage has in common."""
    if not recipe.files:
        return "scenario grammar"
    digest = hashlib.sha256()
    for name in recipe.files:
        for path in _expand(Path(name)):
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*.y*ml"))
            for file in files:
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"files {digest.hexdigest()}"


def _expand(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(path.rglob("*.jsonl"))
        cases = any(next(path.rglob(pattern), None) for pattern in ("*.yaml", "*.yml"))
        if not found and not cases:
            raise InvalidInput(f"data.files: {path} holds neither *.yaml cases nor *.jsonl")
        yield from found
        if cases:
            yield path
    elif not path.exists():
        raise InvalidInput(f"data.files: {path} does not exist; give a file or folder")
    elif path.suffix in {".jsonl", ".yaml", ".yml"}:
        yield path
    else:
        raise InvalidInput(
            f"data.files: {path} ends with {path.suffix!r}; give .yaml cases or .jsonl messages"
        )


def _cases(
    path: Path, recipe: DataRecipe, rng: random.Random, prompt: Prompt | None
) -> list[Sample]:
    samples = []
    for index, case in enumerate(load_cases(path)):
        count = rng.randint(0, recipe.demonstrations)
        seed = f"own/{rng.random()}/{index}"
        shown = sample_demonstrations(seed, count, case.language, "train", world=recipe.world)
        sample = case_sample(case, shown, recipe, rng, prompt=prompt)
        if sample is None:
            raise InvalidInput(
                f"{case.source or path}: case {case.id!r} has no answer to learn; "
                "give expect.rewrites or expect.unchanged"
            )
        samples.append(sample)
    return samples


def _jsonl(path: Path) -> list[Sample]:
    samples = []
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    samples.append(_row(raw, f"{path}:{number}"))
    except OSError as error:
        raise InvalidInput(f"data.files: {path} cannot be read: {error.strerror}") from None
    if not samples:
        raise InvalidInput(f"data.files: {path} is empty; write one JSON object per line")
    return samples


def _row(raw: bytes, place: str) -> Sample:
    if len(raw) > _LONGEST_LINE:
        raise InvalidInput(f"{place}: the line has {len(raw):,} bytes; at most {_LONGEST_LINE:,}")
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidInput(f"{place}: not UTF-8; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{place}: not JSON: {error}; one object per line") from None
    if not isinstance(row, dict) or not set(row) <= _KEYS or "messages" not in row:
        raise InvalidInput(
            f'{place}: a line is {{"messages": [...]}}, with "id" and "cluster" if you like'
        )
    conversation = _conversation(row["messages"], place)
    cluster = row.get("cluster", _opening(conversation))
    if not isinstance(cluster, str) or not cluster.strip():
        raise InvalidInput(f"{place}: cluster={cluster!r} must be a text")
    return Sample(conversation, f"own/{cluster}", "own/messages", place)


def _conversation(value: object, place: str) -> Conversation:
    if not isinstance(value, list):
        raise InvalidInput(f"{place}: messages must be a list of objects")
    try:
        conversation = Conversation(tuple(_message(m, i, place) for i, m in enumerate(value)))
        conversation.require_alternating()
    except InvalidConversation as error:
        raise InvalidInput(f"{place}: {error}") from None
    if conversation.messages[-1].role is not Role.ASSISTANT:
        raise InvalidInput(f"{place}: the last message must be the assistant's; it is learned")
    return conversation


def _message(value: object, index: int, place: str) -> Message:
    if not isinstance(value, dict):
        raise InvalidInput(f"{place}: message {index} must be an object with role and content")
    for key, what in _UNTAUGHT.items():
        if value.get(key):
            raise InvalidInput(
                f"{place}: message {index} has {key}: {what} cannot be learned here; leave it out, "
                "or leave the conversation out"
            )
    if set(value) - set(_UNTAUGHT) != {"role", "content"}:
        raise InvalidInput(f"{place}: message {index} must have exactly the keys role and content")
    try:
        return Message(value["role"], _content(value["content"], index, place))
    except InvalidConversation as error:
        raise InvalidInput(f"{place}: message {index}: {error}") from None


def _content(value: object, index: int, place: str) -> str:
    """A text, or the texts of a list of parts, one behind the other as templates write them."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise InvalidInput(
            f"{place}: message {index} has content={value!r}; a text is due, or a list of its parts"
        )
    texts: list[str] = []
    for number, part in enumerate(value):
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(text, str):
            kind = part.get("type") if isinstance(part, dict) else type(part).__name__
            raise InvalidInput(
                f"{place}: message {index}, part {number} is of type {kind!r}; only parts "
                '{"type": "text", "text": ...} can be learned'
            )
        texts.append(text)
    return "".join(texts)


def _opening(conversation: Conversation) -> str:
    """Rows that open with the same question came from one conversation."""
    first = conversation.turns[0].content
    return hashlib.sha256(first.encode("utf-8", "surrogatepass")).hexdigest()[:16]
