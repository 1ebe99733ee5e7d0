"""How well base and candidate predict the accepted rewrites of golden cases.

Told in the report as a perplexity, judged by nobody. The references are scored apart from all that
is asked, so that they share no batch with it and change no answer; a champion is not asked, and no
output is kept: a score says all there is.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalsuite.conversation import Role
from evalsuite.detectors.retention import reference_score
from evalsuite.generation import Request
from evalsuite.pipeline.questions import BOTH, Question, target_of
from evalsuite.pipeline.records import Drawn
from evalsuite.runs import ScoreRow
from evalsuite.tasks import Rewriting, prompt_of


def reference_losses(drawn: Drawn) -> tuple[ScoreRow, ...]:
    """The loss of each golden case's reference on both sides, in nats per token.

    Cases without a reference, and those whose reference does not fit into the context, have none.
    """
    asked = list(_requests(drawn))
    outputs = drawn.engine.infer([request for _, request in asked]) if asked else []
    return tuple(
        ScoreRow.of(
            reference_score(question.row.case_id, output.logprobs).on(question.side.value),
            question.row,
            gate="",
        )
        for (question, _), output in zip(asked, outputs, strict=True)
    )


def _requests(drawn: Drawn) -> Iterator[tuple[Question, Request]]:
    """The prompt of each golden case with its reference as the answer to score."""
    template = drawn.inputs.template
    for question in drawn.questions:
        task, prompt = question.task, question.request.prompt
        if not isinstance(task, Rewriting) or question.row.panel not in drawn.samples.goldens:
            continue
        if task.case.reference is None or question.swapped or question.side not in BOTH:
            continue
        whole = task.prompt.write(task.case.reference)
        target = target_of(template, prompt_of(task).then(Role.ASSISTANT, whole))
        if task.prompt.prefill:
            target = target[len(template.answer_ids(task.prompt.prefill)) :]
        if len(prompt) + len(target) <= drawn.inputs.context:
            yield (
                question,
                Request(
                    prompt=prompt,
                    target=target,
                    adapter=question.request.adapter,
                    conversation=question.request.conversation,
                ),
            )
