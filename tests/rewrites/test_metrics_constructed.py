"""Metrics of corpora made at random, beside a second implementation that shares no code.

It is written the long way round: lists instead of sets and counters, one formula a line.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from evalsuite.cases import Expectation, Language
from evalsuite.rewrites.metrics import Splitting, Utterance, measure

WORDS = "dorun kelvo is it new the price of what who big 's ? .".split()
CHARACTERS = "岚洛它多大吗的价格谁在新"
Corpus = list[tuple[str, str, str]]
"""Query, reference, answer."""


def corpus(seed: int, n: int, pieces: Sequence[str], blank: str) -> Corpus:
    rng = random.Random(seed)

    def sentence(longest: int) -> list[str]:
        return [rng.choice(pieces) for _ in range(rng.randint(1, longest))]

    made = []
    for _ in range(n):
        query = sentence(6)
        reference = [*query]
        reference[rng.randrange(len(query))] = rng.choice(pieces)
        at = rng.randint(0, len(reference))
        reference[at:at] = sentence(3) if rng.random() < 0.7 else []
        answer = rng.choice([reference, query, sentence(8), [*reference[:-1], *sentence(2)], []])
        made.append((blank.join(query), blank.join(reference), blank.join(answer)))
    return made


def measured(pairs: Corpus, language: Language, splitting: Splitting) -> dict[str, float]:
    metrics = measure(
        [
            Utterance.to(query, language, Expectation(rewrites=(reference,)), answer, right=True)
            for query, reference, answer in pairs
        ],
        splitting,
    )
    assert metrics.restored is not None
    assert metrics.bleu is not None
    assert metrics.exact is not None
    found = {"EM": metrics.exact, "restoring": float(metrics.restoring)}
    for n, shares in enumerate(metrics.restored, 1):
        found |= {f"P{n}": shares.precision, f"R{n}": shares.recall, f"F{n}": shares.f1}
    return found | {f"BLEU{n}": value for n, value in enumerate(metrics.bleu, 1)}


def by_hand(pairs: Corpus, blank: str) -> dict[str, float]:
    """The same figures, from RUN's definitions."""
    split = [tuple((text.split(" ") if blank else list(text) or [""]) for text in p) for p in pairs]
    found = {"EM": sum(reference == answer for _, reference, answer in pairs) / len(pairs)}
    kept = [(q, r, a) for q, r, a in split if [word for word in r if word not in q]]
    found["restoring"] = float(len(kept))
    for n in (1, 2, 3):
        shared = given = wanted = 0
        for query, reference, answer in kept:
            of_answer = distinct(windows(answer, n), query)
            of_reference = distinct(windows(reference, n), query)
            shared += len([gram for gram in of_answer if gram in of_reference])
            given += len(of_answer)
            wanted += len(of_reference)
        precision, recall = shared / given, shared / wanted
        found |= {f"P{n}": precision, f"R{n}": recall}
        found[f"F{n}"] = 2 * precision * recall / (precision + recall) if shared else 0.0
    return found | bleu([(reference, answer) for _, reference, answer in split])


def bleu(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, float]:
    shares = []
    for n in (1, 2, 3, 4):
        top = bottom = 0
        for reference, answer in pairs:
            left = windows(reference, n)
            for gram in windows(answer, n):
                if gram in left:
                    left.remove(gram)
                    top += 1
            bottom += max(1, len(windows(answer, n)))
        shares.append(top / bottom)
    wanted, given = (sum(len(pair[at]) for pair in pairs) for at in (0, 1))
    short = 1.0 if given > wanted else math.exp(1 - wanted / given)
    exponents = {1: [1.0], 2: [0.5] * 2, 3: [0.33] * 3, 4: [0.25] * 4}
    return {
        f"BLEU{n}": short * math.prod(shares[at] ** power for at, power in enumerate(powers))
        for n, powers in exponents.items()
    }


def windows(words: Sequence[str], n: int) -> list[list[str]]:
    return [list(words[at : at + n]) for at in range(len(words) - n + 1)]


def distinct(grams: list[list[str]], query: Sequence[str]) -> list[list[str]]:
    restoring = sorted(gram for gram in grams if any(word not in query for word in gram))
    return restoring[:1] + [after for before, after in pairwise(restoring) if before != after]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("splitting", list(Splitting))
def test_an_english_corpus_measures_as_by_hand(seed: int, splitting: Splitting) -> None:
    pairs = corpus(seed, 120, WORDS, " ")
    found = measured(pairs, Language.EN, splitting)
    assert found == pytest.approx(by_hand(pairs, " "), abs=1e-12)
    assert 0 < found["restoring"] < len(pairs)
    assert found["BLEU4"] > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_chinese_corpus_measures_as_by_hand(seed: int) -> None:
    pairs = corpus(seed, 120, CHARACTERS, "")
    found = measured(pairs, Language.ZH, Splitting.WORDS)
    assert found == pytest.approx(by_hand(pairs, ""), abs=1e-12)
