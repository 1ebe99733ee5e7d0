"""A prompt as a model reads it: that of one case, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases import Case, Wanted
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.shipped import case_folders
from evalsuite.errors import InvalidInput
from evalsuite.files.problems import suggestion
from evalsuite.gates import Policy
from evalsuite.models import resolve_base
from evalsuite.pipeline.inputs import choose_policy, context_of
from evalsuite.pipeline.shown import shown_alone
from evalsuite.prompts import Prompt, prompt_named, put_in, require_prefill
from evalsuite.scenarios import sample_panel
from evalsuite.scenarios.told import sample_told_panel
from evalsuite.tasks import Rewriting, prompt_ids
from evalsuite.template import load_template


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The prompt of one case."""

    prompt: Prompt
    case: Case
    text: str
    """What the model reads, control tokens and prefill with it."""
    tokens: int
    window: int
    """Tokens that the base can attend to."""
    shown: int
    """Demonstrations."""
    swapped: int
    """Those of the counterfactual prompt; 0: a swap cannot be tried."""
    reference: str
    """The right answer itself."""
    right: str
    """A right answer, as it has to be written; empty where none is known word for word."""

    needs: int
    """Tokens of the right answer behind the prefill; 0 where none is known word for word."""

    @property
    def lost(self) -> str:
        """Why the right answer would not come through; empty: it does."""
        if not self.right:
            return ""
        if self.needs > self.prompt.max_tokens:
            return f"it takes {self.needs} tokens, and max_tokens is {self.prompt.max_tokens}"
        return "" if self.read == self.reference else "a stop string or the rule eats some of it"

    @property
    def share(self) -> float:
        """Of the window, with the longest answer; more than 1 does not fit."""
        return (self.tokens + self.prompt.max_tokens) / self.window

    @property
    def read(self) -> str:
        """What the prompt's rule reads out of the right answer."""
        return self.prompt.read(self.right.removeprefix(self.prompt.prefill)).answer


def preview(
    named: str,
    *,
    base_model: str = "nano",
    policy: str | None = None,
    case: str | None = None,
    cases: Path | None = None,
) -> Preview:
    """Put a case as a gate would put it in a panel.

    Args:
        named: a format, or the file of a prompt.
        base_model: whose chat template renders.
        policy: says of which world and language a case is drawn.
        case: id of a golden case; None: one is drawn.
        cases: folder of golden cases; None: the shipped ones, or those of the project.

    Raises:
        InvalidInput: something that was named is wrong.
        ModelError, TemplateError: the base cannot be used.
    """
    prompt, chosen = prompt_named(named), choose_policy(policy, base_model)
    asked = _golden(case, cases) if case is not None else _drawn(prompt, chosen)
    base = resolve_base(base_model)
    template = load_template(base.path, family=base.family)
    require_prefill(prompt, template)
    pair = shown_alone(prompt, asked, chosen.world)
    ids = prompt_ids(Rewriting(case=asked, demonstrations=pair.a, prompt=prompt), template)
    reference = asked.reference or next(iter(asked.expect.answers), "")
    named_in = put_in(asked.expect.must_name, asked.query, reference)
    whole = prompt.write(reference, named_in) if reference else ""
    return Preview(
        prompt=prompt,
        case=asked,
        text=template.decode(ids),
        tokens=len(ids),
        window=context_of(base),
        shown=len(pair.a),
        swapped=len(pair.b),
        reference=reference,
        right=whole,
        needs=len(template.answer_ids(whole)) - len(template.answer_ids(prompt.prefill or "")),
    )


def _drawn(prompt: Prompt, policy: Policy) -> Case:
    language = policy.languages[0]
    if prompt.wanted is Wanted.ANSWER:
        return sample_told_panel(0, 1, language)[0].case
    return sample_panel(0, 1, world=policy.world, languages=[language]).cases[0]


def _golden(case: str, cases: Path | None) -> Case:
    folder = case_folders(cases).goldens
    known = {one.id: one for one in load_cases(folder)}
    if case not in known:
        raise InvalidInput(
            f"case={case!r} stands in no file of {str(folder)!r}{suggestion(case, known)}; name "
            "the folder with --cases, or leave --case out for one that is drawn"
        )
    return known[case]
