"""BLEU and ROUGE by the libraries that everybody cites: sacreBLEU (Post 2018) and rouge-score.

Both come with the extra ``metrics``; without it these columns are missing and the rest works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from evalsuite.cases import Language
from evalsuite.rewrites.metrics.bleu import ORDER, Bleus
from evalsuite.rewrites.metrics.tokens import Splitting

INSTALL = "pip install 'evalsuite[metrics]'"
"""What to say where a column is missing."""
_LIBRARIES = {"sacrebleu": "sacrebleu", "rouge-score": "rouge_score"}
_ROUGE = ("rouge1", "rouge2", "rougeL")
_TOKENIZERS = {Language.EN: "13a", Language.ZH: "zh"}

Rouge = tuple[float, float, float]
"""F of ROUGE-1, ROUGE-2 and ROUGE-L, each 0 to 1."""


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU of a corpus as sacreBLEU has it."""

    scores: Bleus
    signature: str
    """How it was computed, in sacreBLEU's own words."""


def missing_libraries() -> tuple[str, ...]:
    """The distributions of the extra ``metrics`` that are not installed."""
    return tuple(name for name, module in _LIBRARIES.items() if find_spec(module) is None)


def sacre_bleu(
    pairs: Sequence[tuple[str, str]], language: Language, splitting: Splitting
) -> Bleu | None:
    """BLEU of pairs of a reference and an answer in one language, as they were written.

    Returns:
        None where sacreBLEU is not installed, or there are no pairs.
    """
    if find_spec("sacrebleu") is None or not pairs:
        return None
    from sacrebleu.metrics.bleu import BLEU

    tokenizer = "none" if splitting is Splitting.BLANKS else _TOKENIZERS[language]
    # force: texts that look tokenised are no reason to warn where somebody said that they are.
    metric: Any = BLEU(tokenize=tokenizer, force=True)
    references, answers = ([pair[at] for pair in pairs] for at in range(2))
    found = metric.corpus_score(answers, [references])
    one, two, three, four = (
        BLEU.compute_bleu(
            correct=found.counts[:n],
            total=found.totals[:n],
            sys_len=found.sys_len,
            ref_len=found.ref_len,
            smooth_method=metric.smooth_method,
            max_ngram_order=n,
        ).score
        / 100
        for n in range(1, ORDER + 1)
    )
    return Bleu((one, two, three, four), str(metric.get_signature()))


@lru_cache(maxsize=1)
def rouge_scorer() -> Callable[[Sequence[str], Sequence[str]], Rouge] | None:
    """A function from the tokens of a reference and of an answer to ROUGE's three F.

    rouge-score's own tokenizer drops whatever is not Latin, so it is given tokens.

    Returns:
        None where rouge-score is not installed.
    """
    if find_spec("rouge_score") is None:
        return None
    from rouge_score.rouge_scorer import RougeScorer

    scorer: Any = RougeScorer(list(_ROUGE), tokenizer=_Blanks())

    def scored(reference: Sequence[str], answer: Sequence[str]) -> Rouge:
        found = scorer.score(" ".join(reference), " ".join(answer))
        one, two, longest = (float(found[name].fmeasure) for name in _ROUGE)
        return one, two, longest

    return scored


def rouge_name() -> str:
    """Who computes ROUGE, for people who compare figures."""
    return f"rouge-score {version('rouge-score')}, without stemming, F of each answer, their mean"


class _Blanks:
    """What rouge-score asks of a tokenizer: the tokens are there already."""

    def tokenize(self, text: str) -> list[str]:
        """Split at blanks."""
        return text.split()
