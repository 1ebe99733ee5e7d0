"""The properties that a chat template must have, as functions that try to refute them.

Each takes a template and conversations and returns a :class:`PropertyResult`; a violation names
the smallest failing conversation, and where nothing could be compared the result says so. They use
the template's public methods only, so that they hold a new family, or a broken subclass, to the
same contract.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import ContextOverflow, EvalsuiteError, InvalidConversation, TemplateError
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.base import ChatTemplate, Property, PropertyResult, PropertyStatus
from evalsuite.template.equivalence import first_change, returned
from evalsuite.template.families import FAMILIES
from evalsuite.template.isolated import own_template, r6_stable
from evalsuite.template.notation import Literal, parse_block
from evalsuite.template.shrinking import describe, judge
from evalsuite.template.tokenizerfolder import NO_STOP

# Stands in no other text, so that it can be counted in a render.
_NONCE = "⟦7f3a91c2⟧"
_NAMED = re.compile(r"message \d|a (system|user|assistant) message|role=")
"""How a refusal says which message it means."""
# Every way in which roles can be out of order: an answer first, nobody asked, one role twice.
_OUT_OF_ORDER = (
    (("assistant", "a"),),
    (("system", "s"), ("assistant", "a"), ("user", "u")),
    (("system", "s"),),
    (("user", "u"), ("user", "v")),
    (("user", "u"), ("assistant", "a"), ("assistant", "b")),
)


def r1_prefix(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """The prompt of every turn is a token prefix of the training sample that learns its answer."""

    def probe(conversation: Conversation) -> str | None:
        samples = template.samples(conversation)
        whole = template.render(conversation).ids
        for number, (index, history) in enumerate(_histories(conversation)):
            prompt = template.prompt(history)
            if index + 1 == len(conversation.messages):
                longer, shorter = prompt, whole
            else:
                sample = samples[0 if template.keeps_prefixes else number]
                longer, shorter = sample.ids, prompt
            if longer[: len(shorter)] != shorter:
                return f"the prompt that ends with message {index} is no prefix of the render"
        return None

    result = judge(Property.PREFIX, conversations, probe)
    if result.status is PropertyStatus.HOLDS and not template.keeps_prefixes:
        detail = "one training sample for each answer: what was said before is rendered otherwise"
        return PropertyResult(result.name, PropertyStatus.DECLARED, detail)
    return result


def r2_mask(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """Over all samples the loss mask is True exactly on each answer and its stop token, once."""

    def probe(conversation: Conversation) -> str | None:
        samples = template.samples(conversation)
        expected = [[False] * len(sample.ids) for sample in samples]
        number = 0
        for index, history in _histories(conversation):
            if index + 1 == len(conversation.messages):
                continue
            at = 0 if template.keeps_prefixes else number
            number += 1
            start, ids = len(template.prompt(history)), samples[at].ids
            if template.stop_id not in ids[start:]:
                return f"the answer in message {index + 1} has no stop token in the render"
            end = ids.index(template.stop_id, start)
            said = conversation.messages[index + 1].content
            if not _says(template, ids[start:end], said):
                return f"message {index + 1} is not its content and the stop token in the render"
            expected[at][start : end + 1] = [True] * (end + 1 - start)
        for sample, due in zip(samples, expected, strict=True):
            for position, (found, wanted) in enumerate(zip(sample.loss_mask, due, strict=True)):
                if found is not wanted:
                    text = template.decode(sample.ids[position : position + 1])
                    return f"loss_mask[{position}] ({text!r}) is {found} where {wanted} is due"
        return None

    return judge(Property.MASK, conversations, probe)


def _says(template: ChatTemplate, ids: Sequence[int], content: str) -> bool:
    """Whether a learned run is a content and, beside it, what the format itself says only."""
    due = returned(content, template.equivalences)
    text = unicodedata.normalize("NFC", template.decode(ids))
    before, found, after = text.rpartition(due)
    if not found:
        return False
    rest = before + after
    named = [template.blocks[name] for name in ("assistant", "newest") if name in template.blocks]
    own = {
        piece.text
        for block in named
        for piece in parse_block(block)
        if isinstance(piece, Literal) and piece.learned
    }
    for token in template.control_ids:
        rest = rest.replace(token, "")
    return not rest.strip() or rest.strip() in {text.strip() for text in own}


def r3_no_forged_control(
    template: ChatTemplate, conversations: Sequence[Conversation]
) -> PropertyResult:
    """The count of each control id depends on the roles alone."""
    control = {i: token for token, i in template.control_ids.items()}

    def counts(conversation: Conversation) -> Counter[int]:
        return Counter(i for i in template.render(conversation).ids if i in control)

    def probe(conversation: Conversation) -> str | None:
        bland = Conversation(tuple(Message(m.role, "a") for m in conversation.messages))
        found, due = counts(conversation), counts(bland)
        for i in sorted(found | due):
            if found[i] != due[i]:
                return f"{found[i]} ids {control[i]} where the roles alone give {due[i]}"
        return None

    return judge(Property.NO_FORGED_CONTROL, conversations, probe)


def r4_parse_back(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """Parsing a render, or a prompt, gives back the conversation, up to what is declared."""

    def probe(conversation: Conversation) -> str | None:
        ways = [("render", template.render(conversation).ids)]
        if conversation.messages[-1].role is Role.USER:
            ways.append(("prompt", template.prompt(conversation)))
        for way, ids in ways:
            back = template.parse(ids)
            change = first_change(template, conversation, back)
            if change is not None:
                return f"parse({way}) lost or changed {change}"
        return None

    result = judge(Property.PARSE_BACK, conversations, probe)
    changed = [c for c in conversations if _parses_changed(template, c)]
    if result.status is PropertyStatus.HOLDS and changed:
        detail = (
            f"{len(conversations)} conversations come back, {len(changed)} of them up to: "
            f"{', '.join(template.equivalences)}"
        )
        return PropertyResult(result.name, PropertyStatus.DECLARED, detail)
    return result


def r5_system_once(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """The system text occurs exactly once in the render and in the prompt; none is invented."""
    told = [c for c in conversations if c.system is not None]
    refused = template.refusal(Conversation.of(("system", "s"), ("user", "u")))

    def probe(conversation: Conversation) -> str | None:
        if conversation.system is None:
            back = template.parse(template.render(conversation).ids).system
            return None if back is None else f"a system message appeared: {back[:60]!r}"
        text = _NONCE + returned(conversation.system, template.equivalences)
        marked = Conversation((Message(Role.SYSTEM, text), *conversation.turns))
        renders = [("render", template.render(marked).ids)]
        renders += [("prompt", template.prompt(h)) for _, h in _histories(marked)][-1:]
        for way, ids in renders:
            found = template.decode(ids).count(text)
            if found != 1:
                return f"the system text occurs {found} times in the {way}"
        return None

    result = judge(Property.SYSTEM_ONCE, conversations, probe)
    if result.status is PropertyStatus.HOLDS and refused is not None and not told:
        detail = f"none is invented; given one, it refuses: {refused}"
        return PropertyResult(result.name, PropertyStatus.DECLARED, detail)
    if result.status is PropertyStatus.HOLDS and template.says_by_itself is not None:
        detail = f"without one, the format says by itself: {template.says_by_itself!r}"
        return PropertyResult(result.name, PropertyStatus.DECLARED, detail)
    return result


def r7_no_silent_drop(
    template: ChatTemplate, conversations: Sequence[Conversation]
) -> PropertyResult:
    """Messages out of order, unknown roles and empty contents are errors that say which.

    So is every conversation among these that the template says it refuses.
    """
    name = Property.NO_SILENT_DROP
    refusals: list[tuple[str, Callable[[], object]]] = [
        ("a message with the role 'tool'", partial(Message, "tool", "x")),  # type: ignore[arg-type]
        ("an empty message", partial(Message, Role.USER, "")),
        ("a message of white space", partial(Message, Role.USER, " \n\u3000")),
        ("two system messages", partial(Conversation.of, ("system", "s"), ("system", "t"))),
    ]
    for turns in _OUT_OF_ORDER:
        broken = Conversation.of(*turns)
        roles = ", ".join(role for role, _ in turns)
        refusals.append((f"render({roles})", partial(template.render, broken)))
        refusals.append((f"prompt({roles})", partial(template.prompt, broken)))
    refusals += [
        ("a prompt after an answer", partial(template.prompt, conversation))
        for conversation in conversations
        if conversation.messages[-1].role is Role.ASSISTANT
    ]
    refusals += [
        (f"render({describe(conversation)})", partial(template.render, conversation))
        for conversation in conversations
        if template.refusal(conversation) is not None
    ]
    for what, action in refusals:
        problem = _refusal_problem(action)
        if problem is not None:
            return PropertyResult(name, PropertyStatus.VIOLATED, f"{what} {problem}")
    return PropertyResult(name, PropertyStatus.HOLDS, f"{len(refusals)} refusals")


def r8_truncation(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """Truncation keeps the system message and whole last turns, byte for byte, or is an error."""

    moves = template.first_user_differs

    def probe(conversation: Conversation) -> str | None:
        conversation.require_alternating()
        *_, (last, history) = _histories(conversation)
        first = len(history.messages) - len(history.turns)
        whole = template.prompt(history)
        for start in range(first, last + 1, 2):
            kept = Conversation(history.messages[:first] + history.messages[start:])
            budget = len(template.prompt(kept))
            cut = template.truncate(history, budget)
            if cut != kept:
                return f"max_tokens={budget} does not keep the turns from message {start} on"
            moved = moves and history.system is not None
            if not moved and not _is_cut_of(template.prompt(cut), whole):
                return "the kept turns are not byte-identical to their untruncated render"
        try:
            template.truncate(history, budget - 1)
        except ContextOverflow:
            return None
        return f"max_tokens={budget - 1} does not fit the last turn, yet is no ContextOverflow"

    result = judge(Property.TRUNCATION, conversations, probe)
    if result.status is PropertyStatus.HOLDS and moves:
        detail = "with a system message the first turn that is kept carries it, so its bytes change"
        return PropertyResult(result.name, PropertyStatus.DECLARED, detail)
    return result


def r9_bos_and_stop(
    template: ChatTemplate, conversations: Sequence[Conversation]
) -> PropertyResult:
    """One BOS where the family has one; the learned stop token is the one generation stops on."""

    def probe(conversation: Conversation) -> str | None:
        ids, bos = template.render(conversation).ids, template.bos_id
        users = sum(message.role is Role.USER for message in conversation.messages)
        due = users if template.bos_each_turn else 1
        if bos is not None and (ids.count(bos), ids[0]) != (due, bos):
            return f"{ids.count(bos)} BOS ids; {due}, the first at the start, are due"
        return None

    name = Property.BOS_AND_STOP
    stops = template.generation_stops
    if stops is None:
        result = judge(name, conversations, probe)
        if result.status is PropertyStatus.VIOLATED:
            return result
        detail = f"{NO_STOP}; set eos_token_id to {template.stop_id} in generation_config.json"
        return PropertyResult(name, PropertyStatus.UNTESTED, detail)
    if template.stop_id not in stops:
        detail = (
            f"an answer ends with id {template.stop_id}, but by the folder's configuration "
            f"generation stops on {list(stops)}; set eos_token_id to {template.stop_id} in "
            "generation_config.json"
        )
        return PropertyResult(name, PropertyStatus.VIOLATED, detail)
    return judge(name, conversations, probe)


def r10_train_equals_serve(
    template: ChatTemplate, training_fingerprint: str | None, training_tokens: Sequence[str] = ()
) -> PropertyResult:
    """The render used in training is the one used in serving; else, where they first differ."""
    name = Property.TRAIN_EQUALS_SERVE
    if training_fingerprint is None:
        detail = "no training fingerprint to compare with"
        return PropertyResult(name, PropertyStatus.UNTESTED, detail)
    if training_fingerprint == template.fingerprint:
        return PropertyResult(name, PropertyStatus.HOLDS, f"fingerprint {training_fingerprint}")
    detail = (
        f"trained with {training_fingerprint}, serving {template.fingerprint}"
        f"{_first_token(training_tokens, template.canonical_tokens)}; serve with the "
        "tokenizer and chat template that the adapter was trained with, or train it again"
    )
    return PropertyResult(name, PropertyStatus.VIOLATED, detail)


def _first_token(trained: Sequence[str], serving: Sequence[str]) -> str:
    """Say where two renders of the same conversation part; empty when one is not known."""
    if not trained:
        return ""
    for place, (old, new) in enumerate(zip_longest(trained, serving, fillvalue="nothing")):
        if old != new:
            return f"; token {place} was {old} in training and is {new} in serving"
    return "; the recorded conversation has the same tokens: added tokens or a template changed"


PROPERTIES = (
    r1_prefix,
    r2_mask,
    r3_no_forged_control,
    r4_parse_back,
    r5_system_once,
    r6_stable,
    r7_no_silent_drop,
    r8_truncation,
    r9_bos_and_stop,
)


def check(
    template: ChatTemplate,
    conversations: Sequence[Conversation] | None = None,
    *,
    training_fingerprint: str | None = None,
    training_tokens: Sequence[str] = (),
) -> list[PropertyResult]:
    """Return R1 to R10 and the comparison with the folder's own template, in this order.

    Without ``conversations`` the built-in adversarial set is used; it spells every control token
    of this tokenizer, and of every family, in every role.
    """
    if conversations is None:
        spelled = (token for wire in FAMILIES.values() for token in wire.controls)
        tokens = dict.fromkeys((*template.control_ids, *spelled))
        conversations = adversarial_conversations(tuple(tokens))
        if template.default_system is not None:
            told = Conversation.of(("system", template.default_system), ("user", "u"))
            conversations = (*conversations, told)
    # What a family refuses with a reason is not lost in it; the others must come through.
    carried = [c for c in conversations if template.refusal(c) is None]
    results = [
        prove(template, conversations if prove is r7_no_silent_drop else carried)
        for prove in PROPERTIES
    ]
    results.append(r10_train_equals_serve(template, training_fingerprint, training_tokens))
    results.append(own_template(template, carried))
    return results


def _histories(conversation: Conversation) -> list[tuple[int, Conversation]]:
    """Return (index, conversation up to it) for every user message."""
    messages = conversation.messages
    return [
        (index, Conversation(messages[: index + 1]))
        for index, message in enumerate(messages)
        if message.role is Role.USER
    ]


def _parses_changed(template: ChatTemplate, conversation: Conversation) -> bool:
    try:
        return template.parse(template.render(conversation).ids) != conversation
    except EvalsuiteError:
        return False


def _refusal_problem(action: Callable[[], object]) -> str | None:
    try:
        action()
    except (InvalidConversation, TemplateError) as error:
        named = _NAMED.search(str(error))
        return None if named else f"is refused without saying which: {error}"
    return "is accepted; an error is due"


def _is_cut_of(cut: Sequence[int], whole: Sequence[int]) -> bool:
    """Return whether ``cut`` is a head of ``whole`` followed by a tail of it."""
    head = 0
    while head < len(cut) and cut[head] == whole[head]:
        head += 1
    tail = len(cut) - head
    return tail == 0 or tuple(cut[head:]) == tuple(whole[len(whole) - tail :])
