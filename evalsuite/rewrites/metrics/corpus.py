"""All metrics of a corpus of answers, and the lines in which people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalsuite.rewrites.metrics.bleu import Bleus, corpus_bleu
from evalsuite.rewrites.metrics.libraries import Bleu, Rouge, rouge_scorer, sacre_bleu
from evalsuite.rewrites.metrics.needs import Needs
from evalsuite.rewrites.metrics.restoration import Restored, Shares, total
from evalsuite.rewrites.metrics.tokens import Splitting
from evalsuite.rewrites.metrics.utterance import Compared, Utterance, compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How close a corpus of answers comes to its references. None: there was nothing to measure."""

    n: int
    """Answers."""
    measured: int
    """Those of them that have a reference."""
    exact: float | None
    """Share that equals the reference, token by token (RUN)."""
    exact_cread: float | None
    """Share that equals a reference as CREAD compares."""
    restoring: int
    """Utterances whose reference restores something: the others are skipped by the next."""
    restored: tuple[Shares, Shares, Shares] | None
    """Of restored single tokens, pairs and triples."""
    bleu: Bleus | None
    """BLEU-1 to BLEU-4 as RUN has them, on tokens."""
    sacre: Bleu | None
    """BLEU as sacreBLEU has it; also None where the answers are in several languages."""
    rouge: Rouge | None
    """The mean F of ROUGE-1, ROUGE-2 and ROUGE-L."""
    needs: Needs


@dataclass(frozen=True, slots=True)
class Line:
    """One metric with its name; a value is a share of 1."""

    name: str
    value: float | None


def measure(utterances: Iterable[Utterance], splitting: Splitting = Splitting.WORDS) -> Metrics:
    """Measure a corpus of answers, with ROUGE where that is installed."""
    rouge = rouge_scorer()
    return metrics_of([compared(one, splitting, rouge) for one in utterances], splitting)


def metrics_of(found: Sequence[Compared], splitting: Splitting = Splitting.WORDS) -> Metrics:
    """Put together what was found of each answer; ``splitting`` as it was compared."""
    referred = [one for one in found if one.reference is not None]
    restoring = [one.restored for one in referred if one.restored is not None]
    counts = total(restoring)
    matches = [one.matches for one in referred if one.matches is not None]
    rouges = [one.rouge for one in referred if one.rouge is not None]
    return Metrics(
        n=len(found),
        measured=len(referred),
        exact=_mean([one.exact for one in referred]),
        exact_cread=_mean([one.exact_cread for one in referred]),
        restoring=len(restoring),
        restored=_shares(counts) if restoring else None,
        bleu=corpus_bleu(matches) if matches else None,
        sacre=_sacre(referred, splitting),
        rouge=_rouge(rouges),
        needs=Needs.of((one.utterance.needed, one.differs, one.utterance.right) for one in found),
    )


def lines_of(metrics: Metrics) -> tuple[Line, ...]:
    """The metrics in the order in which they are shown."""
    sacre = None if metrics.sacre is None else metrics.sacre.scores
    return (
        Line("EM (RUN)", metrics.exact),
        Line("EM (CREAD)", metrics.exact_cread),
        *_restored(metrics.restored),
        *_numbered("BLEU-{} (RUN)", metrics.bleu, "1234"),
        *_numbered("BLEU-{} (sacreBLEU)", sacre, "1234"),
        *_numbered("ROUGE-{}", metrics.rouge, "12L"),
    )


def _restored(found: tuple[Shares, Shares, Shares] | None) -> Iterator[Line]:
    for order in range(3):
        for letter, key in (("P", "precision"), ("R", "recall"), ("F", "f1")):
            value = None if found is None else getattr(found[order], key)
            yield Line(f"restored {letter}{order + 1}", value)


def _numbered(name: str, values: Sequence[float] | None, labels: str) -> Iterator[Line]:
    for order, label in enumerate(labels):
        yield Line(name.format(label), None if values is None else values[order])


def _shares(counts: Restored) -> tuple[Shares, Shares, Shares]:
    one, two, three = (count.shares for count in counts)
    return one, two, three


def _sacre(referred: Sequence[Compared], splitting: Splitting) -> Bleu | None:
    languages = {one.utterance.language for one in referred}
    if len(languages) != 1:
        return None
    pairs = [(one.reference or "", one.utterance.answer) for one in referred]
    return sacre_bleu(pairs, languages.pop(), splitting)


def _rouge(found: Sequence[Rouge]) -> Rouge | None:
    if not found:
        return None
    one, two, longest = (sum(rouge[at] for rouge in found) / len(found) for at in range(3))
    return one, two, longest


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
