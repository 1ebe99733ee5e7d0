"""The tokenizer and the template of a candidate's own folder beside those of its base.

A gate asks in the base's words; a server takes those that lie in the folder it serves. Where the
two differ, nobody knows what the released model will be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.errors import EvalsuiteError, TemplateError
from evalsuite.template import ChatTemplate, TokenizerFiles, load_template, read_tokenizer
from evalsuite.template.addedtokens import read_added_tokens
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.agreement import first_difference, spoken
from evalsuite.template.contentencoder import require_bpe
from evalsuite.template.tokenizerfolder import NO_STOP

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
        own: folder of the candidate. More tokens than the base's are no contradiction: what the
            base's tokenizer makes of a text stays what it is.
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
    listed = ", ".join(map(repr, more[:_SHOWN]))
    return Agreement(
        True,
        f"the base's {len(theirs)} tokens have the same ids, and there are {len(more)} more, such "
        f"as {listed}, which the base reads as text",
    )


def same_words(template: ChatTemplate, own: Path, family: str | None = None) -> Agreement:
    """Whether a candidate's folder makes of conversations what its base's template makes of them.

    Args:
        template: the base's, in whose words everything is asked.
        own: folder of the candidate.
        family: of the base's template, where a person named it.
    """
    try:
        if _has_words(template.source) and not _has_words(own):
            return Agreement(
                False,
                f"{str(own)!r} ships no chat template, so nobody knows in which words a server "
                "will ask it; copy the base's chat_template.jinja into it",
            )
        served = load_template(own, family=family)
    except TemplateError as problem:
        return Agreement(False, f"the candidate's own template cannot be compared: {problem}")
    stops = served.generation_stops
    if stops is None:
        return Agreement(
            False,
            f"by the candidate's own folder nobody knows where an answer ends: {NO_STOP}; set "
            f"eos_token_id to {template.stop_id} in {str(own / 'generation_config.json')!r}",
        )
    if template.stop_id not in stops:
        return Agreement(
            False,
            f"an answer ends with id {template.stop_id}, but by the candidate's own folder "
            f"generation stops on {list(stops)}; set eos_token_id to {template.stop_id} in "
            f"{str(own / 'generation_config.json')!r}",
        )
    return _same_renders(template, served, own)


def _same_renders(template: ChatTemplate, served: ChatTemplate, own: Path) -> Agreement:
    conversations = adversarial_conversations(tuple(template.control_ids))
    compared = 0
    for conversation in conversations:
        here, there = _render(template, conversation), _render(served, conversation)
        if here is None and there is None:
            continue
        compared += 1
        if here != there:
            where = first_difference(template, there or (), here or ())
            return Agreement(
                False,
                f"the candidate's own tokenizer and template in {str(own)!r} make something else "
                f"of a conversation of {len(conversation.messages)} messages than the base's: "
                f"{where}; copy the base's tokenizer and chat_template.jinja into the candidate, "
                "or gate it beside the base that speaks as it does",
            )
    return Agreement(
        True,
        f"the candidate's own tokenizer and template make the base's tokens of all {compared} "
        "conversations",
    )


def _render(template: ChatTemplate, conversation: Conversation) -> tuple[int, ...] | None:
    try:
        return spoken(template, conversation)
    except EvalsuiteError:
        return None  # one that this format has no place for


def _has_words(folder: Path | None) -> bool:
    return folder is not None and read_tokenizer(folder).chat_template is not None


def _ids(files: TokenizerFiles) -> Mapping[str, int]:
    path = files.folder / "tokenizer.json"
    added = {token.content: token.id for token in read_added_tokens(path, files.document)}
    return {**require_bpe(path, files.document).vocab, **added}
