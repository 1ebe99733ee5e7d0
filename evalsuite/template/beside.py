"""The tokenizer and the template of a candidate's own folder beside those of its base.

A gate asks in the base's words; a server takes those that lie in the folder it serves. Where the
two differ, nobody knows what the released model will be shown.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template import (
    ChatTemplate,
    PropertyStatus,
    TokenizerFiles,
    load_template,
    read_tokenizer,
)
from evalsuite.template.addedtokens import is_marked, read_added_tokens
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.agreement import first_difference, is_harmless, spoken
from evalsuite.template.contentencoder import require_bpe
from evalsuite.template.isolated import own_ids, own_template
from evalsuite.template.shrinking import describe, size
from evalsuite.template.tokenizerfolder import NO_STOP, read_template

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether two folders agree in something, and what a person should know of it."""

    agrees: bool
    detail: str


def same_vocabulary(base: Path, own: Path) -> Agreement:
    """Whether every token of a base's tokenizer has the same id in a candidate's.

    Args:
        base: folder of the base.
        own: folder of the candidate. More control tokens than the base's are no contradiction:
            what is made of a text stays what it is.
    """
    try:
        theirs, ours = _ids(read_tokenizer(base)), _ids(read_tokenizer(own))
    except TemplateError as problem:
        return Agreement(False, f"its tokenizer cannot be compared with the base's: {problem}")
    moved = [token for token, number in theirs.items() if ours.get(token) != number]
    if moved:
        told = "; ".join(
            f"{token!r} is {ours.get(token, 'nothing')} there and {theirs[token]} in the base"
            for token in moved[:_SHOWN]
        )
        return Agreement(
            False,
            f"{len(moved)} of the base's {len(theirs)} tokens have another id in "
            f"{str(own / 'tokenizer.json')!r}: {told}; give the candidate its base's tokenizer, or "
            "name the base whose tokenizer it has",
        )
    more = [token for token in ours if token not in theirs]
    if not more:
        return Agreement(True, f"its {len(ours)} tokens have the ids that they have in the base")
    return further_tokens(more)


def further_tokens(more: Sequence[str]) -> Agreement:
    """Judge the tokens that a tokenizer has beyond those of its base, at least one.

    Tokens that are spelled like control tokens occur in no text. One that is spelled like a word
    takes the place of the base's own tokens wherever people write that word.
    """
    words = [token for token in more if not is_marked(token)]
    if words:
        return Agreement(
            False,
            f"there are {len(more)} more tokens than the base's, and ordinary text holds "
            f"{_some(words)}, of which the base makes other tokens: such texts were not asked as a "
            "server will ask them; give the base with that tokenizer",
        )
    return Agreement(
        True,
        f"the base's tokens have the same ids, and there are {len(more)} more, such as "
        f"{_some(more)}, which the base reads as text",
    )


def _some(tokens: Sequence[str]) -> str:
    return ", ".join(map(repr, tokens[:_SHOWN]))


def same_words(template: ChatTemplate, own: Path) -> Agreement:
    """Whether a whole model's folder makes of conversations what its base's makes of them.

    Args:
        template: the base's, in whose words everything is asked.
        own: folder of the candidate.
    """
    try:
        files = read_tokenizer(own)
    except TemplateError as problem:
        return Agreement(False, f"the candidate's own template cannot be compared: {problem}")
    if files.chat_template is None and _source(template.source) is not None:
        return Agreement(
            False,
            f"{str(own)!r} ships no chat template, so nobody knows in which words a server "
            "will ask it; copy the base's chat_template.jinja into it",
        )
    if files.stops is None:
        return Agreement(
            False,
            f"by the candidate's own folder nobody knows where an answer ends: {NO_STOP}; set "
            f"eos_token_id to {template.stop_id} in {str(own / 'generation_config.json')!r}",
        )
    if template.stop_id not in files.stops:
        return Agreement(
            False,
            f"an answer ends with id {template.stop_id}, but by the candidate's own folder "
            f"generation stops on {list(files.stops)}; set eos_token_id to {template.stop_id} in "
            f"{str(own / 'generation_config.json')!r}",
        )
    found = same_renders(template, own)
    if found.agrees:
        return Agreement(True, f"by the candidate's own tokenizer and template, {found.detail}")
    return Agreement(
        False,
        f"the candidate's own tokenizer and template in {str(own)!r} do not say what the base's "
        f"do: {found.detail}; copy the base's tokenizer and chat_template.jinja into the "
        "candidate, or gate it beside the base that speaks as it does",
    )


def same_renders(template: ChatTemplate, folder: Path) -> Agreement:
    """Whether the template of a folder says what the base's own says, by the tokenizer of each.

    Both are run as servers run them, whatever family the base is asked by: a default system
    message that only one of them puts in front is a difference. So is a template that does
    something else when a content says a word of its source.

    Args:
        template: the base's.
        folder: with a tokenizer, and a chat template where the base's folder has one.
    """
    tried = [
        conversation
        for conversation in adversarial_conversations(())
        if is_harmless(conversation, template.control_ids)
        and template.refusal(conversation) is None
    ]
    tried.sort(key=size)
    try:
        here, there = (_said(template, one, tried) for one in (template.source, folder))
        problem = _suspect(template, folder, tried)
    except TemplateError as error:
        return Agreement(False, f"it cannot be compared: {error}")
    if problem is not None:
        return Agreement(False, problem)
    if here is None or there is None:
        whose = "the base's" if here is None else "its"
        return Agreement(False, f"it cannot be compared: {whose} template gives no text in time")
    for conversation, ours, theirs in zip(tried, here, there, strict=True):
        if ours is not None and ours != theirs:
            what = (
                "it gives no text" if theirs is None else first_difference(template, theirs, ours)
            )
            return Agreement(
                False, f"{what}; smallest conversation tried: {describe(conversation)}"
            )
    count = sum(ids is not None for ids in here)
    return Agreement(count > 0, f"{count} harmless conversations are the base's tokens")


def _said(
    template: ChatTemplate, folder: Path | None, conversations: Sequence[Conversation]
) -> list[tuple[int, ...] | None] | None:
    """Ids by the folder's own template, or where it has none by the base's family.

    None: the template gave no answer. None in the list: it refuses that conversation.
    """
    if folder is None:
        return [spoken(template, conversation) for conversation in conversations]
    if _source(folder) is None:
        served = load_template(folder, family=template.family)
        return [spoken(served, conversation) for conversation in conversations]
    return own_ids(folder, conversations, template.arguments, parts=template.parts)


def _suspect(
    template: ChatTemplate, folder: Path, conversations: Sequence[Conversation]
) -> str | None:
    """What is to be said against a template that is not the base's, letter by letter."""
    source = _source(folder)
    if source is None or source == _source(template.source):
        return None
    other = copy.copy(template)
    other.source = folder
    result = own_template(other, conversations)
    if result.status is PropertyStatus.UNTESTED:
        return f"it cannot be compared: {result.detail}"
    return result.detail if result.status is PropertyStatus.VIOLATED else None


def _source(folder: Path | None) -> str | None:
    return None if folder is None else read_template(folder)[0]


def _ids(files: TokenizerFiles) -> Mapping[str, int]:
    path = files.folder / "tokenizer.json"
    added = {token.content: token.id for token in read_added_tokens(path, files.document)}
    return {**require_bpe(path, files.document).vocab, **added}
