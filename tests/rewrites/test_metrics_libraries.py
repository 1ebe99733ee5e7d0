"""The extra ``metrics``: what its libraries say, and what is said without them."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Expectation, Language
from evalsuite.rewrites.metrics import Splitting, Utterance, lines_of, measure, missing_libraries
from evalsuite.rewrites.metrics.bleu import corpus_bleu, matches
from evalsuite.rewrites.metrics.libraries import rouge_scorer
from evalsuite.rewrites.metrics.tokens import english_words

Pairs = list[tuple[str, str, str]]
ENGLISH: Pairs = [
    ("How old is it?", "How old is the Ostrava Loom?", "How old is the Loom?"),
    ("Who built it?", "Who built the Ostrava Loom?", "Who built the Ostrava Loom?"),
]
CHINESE: Pairs = [
    ("它多大？", "岚洛多大？", "岚洛有多大？"),
    ("谁写的？", "岚洛是谁写的？", "谁写的？"),
]


def utterances(pairs: Pairs, language: Language) -> list[Utterance]:
    return [
        Utterance.to(query, language, Expectation(rewrites=(reference,)), answer, right=True)
        for query, reference, answer in pairs
    ]


@pytest.fixture
def sacrebleu() -> None:
    pytest.importorskip("sacrebleu")


@pytest.fixture
def rouge() -> None:
    pytest.importorskip("rouge_score")


@pytest.mark.usefixtures("sacrebleu")
def test_sacrebleu_speaks_for_itself_and_says_how_it_counted() -> None:
    from sacrebleu import corpus_bleu as theirs

    for pairs, language, tokenizer in (
        (ENGLISH, Language.EN, "13a"),
        (CHINESE, Language.ZH, "zh"),
    ):
        found = measure(utterances(pairs, language)).sacre
        answers, references = [a for *_, a in pairs], [r for _, r, _ in pairs]
        assert found is not None
        assert f"tok:{tokenizer}|" in found.signature
        whole = theirs(answers, [references], tokenize=tokenizer)
        assert found.scores[3] == pytest.approx(whole.score / 100)
        # BLEU-1 has no shorter n-gram to smooth: the precision of single tokens, made shorter.
        assert found.scores[0] == pytest.approx(whole.precisions[0] / 100 * whole.bp)


@pytest.mark.usefixtures("sacrebleu")
def test_sacrebleu_splits_what_is_tokenised_at_blanks_alone() -> None:
    found = measure(utterances(ENGLISH, Language.EN), Splitting.BLANKS).sacre
    assert found is not None
    assert "tok:none|" in found.signature


@pytest.mark.usefixtures("sacrebleu")
def test_answers_in_two_languages_have_no_bleu_of_one_tokenizer() -> None:
    mixed = utterances(ENGLISH, Language.EN) + utterances(CHINESE, Language.ZH)
    assert measure(mixed).sacre is None
    assert measure(mixed).bleu is not None


@pytest.mark.usefixtures("rouge")
def test_rouge_counts_chinese_by_character() -> None:
    found = measure(utterances(CHINESE[:1], Language.ZH)).rouge
    # Answer 岚洛有多大？ (6) of reference 岚洛多大？ (5): all five single ones, in their order.
    # Pairs: 岚洛, 多大, 大？ of four in the reference and five in the answer.
    assert found == pytest.approx((2 * 5 / 11, 2 * 3 / 9, 2 * 5 / 11))


@pytest.mark.usefixtures("rouge")
def test_rouge_is_the_mean_over_answers_and_an_empty_answer_has_none_of_it() -> None:
    pairs = [ENGLISH[1], ("Is it?", "Is Dorun?", "")]
    assert measure(utterances(pairs, Language.EN)).rouge == pytest.approx((0.5, 0.5, 0.5))


def test_without_the_libraries_only_their_columns_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evalsuite.rewrites.metrics.libraries.find_spec", lambda name: None)
    rouge_scorer.cache_clear()
    try:
        lines = lines_of(measure(utterances(ENGLISH, Language.EN)))
        assert missing_libraries() == ("sacrebleu", "rouge-score")
    finally:
        rouge_scorer.cache_clear()
    missing = {line.name for line in lines if line.value is None}
    assert missing == {
        *(f"BLEU-{n} (sacreBLEU)" for n in range(1, 5)),
        *(f"ROUGE-{n}" for n in "12L"),
    }


def test_rules_and_nltk_split_english_alike() -> None:
    nltk = pytest.importorskip("nltk.tokenize")
    theirs = nltk.NLTKWordTokenizer()
    rng = random.Random(5)
    pieces = (
        "Who what's didn't Dorun cannot gonna wanna 'tis 'twas d'ye more'n we'll you're I've 3.5 "
        "1,000 10:30 U.S. Mr. ... -- — ? ! . , ; : $5 50% a@b.c #1 ( ) [x] \"so\" ``so'' “so” it's"
    ).split()
    for _ in range(5000):
        text = " ".join(rng.choice(pieces) for _ in range(rng.randint(1, 8)))
        text = text.replace(" ", "") if rng.random() < 0.05 else text
        assert english_words(text) == theirs.tokenize(text), text


TOKENS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=7)


@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=6))
def test_bleu_is_that_of_nltk(pairs: list[tuple[list[str], list[str]]]) -> None:
    score = pytest.importorskip("nltk.translate.bleu_score")
    weights = [(1.0, 0, 0, 0), (0.5, 0.5, 0, 0), (0.33, 0.33, 0.33, 0), (0.25,) * 4]
    references, answers = [[r] for r, _ in pairs], [a for _, a in pairs]
    with warnings.catch_warnings():
        # It warns where no n-gram is shared, which a corpus of few words often does.
        warnings.simplefilter("ignore", UserWarning)
        theirs = [score.corpus_bleu(references, answers, weights=one) for one in weights]
    assert corpus_bleu(matches(*pair) for pair in pairs) == pytest.approx(theirs, abs=1e-12)
