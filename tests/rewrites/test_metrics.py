"""Metrics on examples that are worked out by hand, beside each the arithmetic."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Language
from evalsuite.rewrites.metrics import (
    Counts,
    Metrics,
    Needs,
    Shares,
    Splitting,
    Utterance,
    compared,
    cread_words,
    lines_of,
    measure,
    restored,
    tokens_of,
)
from evalsuite.rewrites.metrics.bleu import corpus_bleu, matches
from evalsuite.strategies import cases


def said(
    query: str,
    answer: str,
    *accepted: str,
    language: Language = Language.EN,
    unchanged: bool = False,
    right: bool = True,
) -> Utterance:
    expect = Expectation(rewrites=accepted, unchanged=unchanged, must_name=("x",))
    return Utterance.to(query, language, expect, answer, right=right)


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def test_only_n_grams_with_a_restored_token_count() -> None:
    found = restored(words("is it new"), words("is dorun new"), words("is dorun big"))
    # The query holds is, it, new. Restored: dorun in the reference; dorun and big in the answer.
    # Singles: {dorun} against {dorun, big}. Pairs: {is dorun, dorun new} against {is dorun,
    # dorun big}. Triples: one each, not the same.
    assert found == (Counts(1, 2, 1), Counts(1, 2, 2), Counts(0, 1, 1))
    assert astuple(found[0].shares) == pytest.approx((1 / 2, 1.0, 2 / 3))
    assert found[1].shares == Shares(0.5, 0.5, 0.5)
    assert found[2].shares == Shares(0.0, 0.0, 0.0)


def test_a_restored_n_gram_counts_once_however_often_it_is_said() -> None:
    found = restored(words("is it new"), words("is dorun new"), words("dorun dorun dorun"))
    # Singles: {dorun} twice the same set. Pairs: {dorun dorun} against {is dorun, dorun new}.
    assert found == (Counts(1, 1, 1), Counts(0, 1, 2), Counts(0, 1, 1))


def test_an_utterance_whose_reference_restores_nothing_is_skipped() -> None:
    assert restored(words("is it new"), words("is new"), words("is dorun new")) is None
    assert restored(words("is it new"), words("is it new"), words("anything at all")) is None


def test_counts_are_summed_over_the_corpus_before_anything_is_divided() -> None:
    metrics = measure(
        [
            said("is it new", "is dorun new", "is dorun new"),
            # Restored: kelvo, the, big and van of four; of the reference kelvo alone.
            said("where is he", "where is kelvo the big van", "where is kelvo"),
            # Its reference restores nothing: what the answer adds is not counted.
            said("is dorun new", "is dorun new at all", "is dorun new", unchanged=False),
        ]
    )
    assert metrics.restored is not None
    # Singles: shared 1 + 1, in the answers 1 + 4, in the references 1 + 1.
    assert astuple(metrics.restored[0]) == pytest.approx((2 / 5, 1.0, 4 / 7))
    assert metrics.restoring == 2
    # The mean of the utterances would be another number: (1 + 1/4) / 2 = 0.625.
    assert metrics.restored[0].precision != pytest.approx(0.625)


def test_an_empty_answer_restores_one_token_that_is_wrong() -> None:
    # RUN's scorer splits an empty text into one empty token, which the query does not hold.
    assert restored(words("is it"), words("is dorun"), ()) == (
        Counts(0, 1, 1),
        Counts(0, 0, 1),
        Counts(0, 0, 0),
    )


def test_bleu_multiplies_what_is_matched_and_punishes_what_is_short() -> None:
    # Answer a b c of reference a b c d: 3/3 singles, 2/2 pairs, 1/1 triples, no quadruple.
    # Brevity: exp(1 - 4/3).
    short = math.exp(-1 / 3)
    assert corpus_bleu([matches(words("a b c d"), words("a b c"))]) == pytest.approx(
        (short, short, short, 0.0)
    )


def test_bleu_3_weighs_each_order_with_a_third_that_is_cut_off() -> None:
    # Answer a b c x of a b c d: 3/4 singles, 2/3 pairs, 1/2 triples; as long, so no brevity.
    one, two, three, four = corpus_bleu([matches(words("a b c d"), words("a b c x"))])
    assert one == pytest.approx(3 / 4)
    assert two == pytest.approx(math.sqrt(3 / 4 * 2 / 3))
    assert three == pytest.approx((3 / 4 * 2 / 3 * 1 / 2) ** 0.33)
    assert four == 0.0


def test_a_short_answer_adds_one_to_the_n_grams_of_the_corpus() -> None:
    pairs = [(words("a b c d"), words("a b c d")), (words("e"), words("e"))]
    # Pairs: 3 of 3, and of the single word 0 of 1 instead of 0 of 0: 3/4.
    assert corpus_bleu(matches(*pair) for pair in pairs)[1] == pytest.approx(math.sqrt(1.0 * 3 / 4))


def test_a_repeated_token_is_matched_as_often_as_the_reference_has_it() -> None:
    # Answer "the the the" of "the cat": 1 of 3.
    assert corpus_bleu([matches(words("the cat"), words("the the the"))])[0] == pytest.approx(1 / 3)


def test_cread_compares_words_without_case_and_one_final_mark() -> None:
    assert cread_words("<CUR> What's Dorun's price?") == words("what 's dorun 's price")
    assert cread_words("what 's dorun 's price") == words("what 's dorun 's price")
    assert cread_words("Is it?\n") == words("is it")
    # One mark is dropped, not two; a final quote is none.
    assert cread_words("Really?!") == words("really ?")
    assert cread_words('Really"') == words("really ''")
    assert cread_words("") == ()


def test_exact_match_needs_the_final_mark_of_run_and_not_of_cread() -> None:
    metrics = measure([said("Is it new?", "is dorun new", "Is Dorun new?")])
    assert (metrics.exact, metrics.exact_cread) == (0.0, 1.0)
    assert measure([said("Is it new?", "IS  DORUN new?", "Is Dorun new?")]).exact == 1.0


def test_chinese_is_split_by_character_and_what_is_not_chinese_by_word() -> None:
    assert tokens_of("岚洛的CPU是3.5GHz吗？", Language.ZH) == words("岚 洛 的 cpu 是 3.5 ghz 吗 ？")
    assert tokens_of("岚 洛  多 大", Language.ZH) == words("岚 洛 多 大")


def test_english_is_split_as_the_penn_treebank_splits_it() -> None:
    text = 'He said "I cannot go (yet)", didn\'t he? It costs $3.50: too much...'
    assert tokens_of(text, Language.EN) == words(
        "he said `` i can not go ( yet ) '' , did n't he ? it costs $ 3.50 : too much ..."
    )


def test_what_was_tokenised_already_is_split_at_blanks_alone() -> None:
    text = "Wo n't it  cost $5?"
    assert tokens_of(text, Language.EN, Splitting.BLANKS) == words("wo n't it cost $5?")
    assert tokens_of("岚洛 多大", Language.ZH, Splitting.BLANKS) == words("岚洛 多大")


TOKENS = (
    "who dorun do n't 's 'll can not , ? ! . : ( ) -- ... 3.5 1,000 10:30 $ % ostrava-loom".split()
)


@given(st.lists(st.sampled_from(TOKENS)))
def test_a_text_that_is_tokenised_already_is_split_no_further(tokens: list[str]) -> None:
    assert tokens_of(" ".join(tokens), Language.EN) == tuple(tokens)


def test_one_accepted_rewrite_stands_for_all_columns_the_one_it_equals_first() -> None:
    # Single tokens would be as good against the first; the second is equal.
    found = compared(said("is it new", "is dorun new", "new is dorun now", "is dorun new"))
    assert found.reference == "is dorun new"
    assert found.exact


def test_among_others_the_one_whose_restored_tokens_are_nearest_is_taken() -> None:
    found = compared(said("is it new", "is the dorun new", "is kelvo new", "is that dorun new"))
    assert found.reference == "is that dorun new"
    # Pairs decide where single tokens tie: both restore the and dorun.
    found = compared(said("is it new", "is the dorun new", "is dorun the new", "new is the dorun"))
    assert found.reference == "new is the dorun"


def test_a_reference_that_restores_nothing_gives_way_to_one_that_does() -> None:
    found = compared(said("is it new", "is it new", "is new", "is dorun new"))
    assert found.reference == "is dorun new"
    assert found.restored is not None


def test_all_tokens_and_then_the_order_of_the_case_decide_the_rest() -> None:
    # Neither restored token is in the answer; the second shares more of the rest.
    found = compared(said("is it new here", "is it new here", "dorun", "is dorun new here"))
    assert found.reference == "is dorun new here"
    found = compared(said("is it new", "is it new", "is kelvo new", "is dorun new"))
    assert found.reference == "is kelvo new"


def test_the_four_cells_are_counted_and_precision_and_recall_follow() -> None:
    metrics = measure(
        [
            said("is it new", "is x new", "is x new", right=True),
            said("is it new", "is y new", "is x new", right=False),
            said("is it new", "is it new", "is x new", right=False),
            said("is x new", "is x new", unchanged=True),
            said("is x new", " is x new\n", unchanged=True),
            said("is x new", "is x, new", unchanged=True, right=False),
        ]
    )
    needs = metrics.needs
    assert (needs.right, needs.wrong, needs.untouched, needs.changed) == (1, 2, 2, 1)
    # Rewritten: two of three that needed it, and one of three that did not.
    assert needs.precision == pytest.approx(2 / 3)
    assert needs.recall == pytest.approx(2 / 3)
    assert needs.f1 == pytest.approx(2 / 3)
    assert needs.accuracy == pytest.approx(4 / 6)


def test_without_a_rewritten_or_a_needy_query_there_is_nothing_to_divide() -> None:
    kept = Needs(untouched=3)
    assert (kept.precision, kept.recall, kept.f1, kept.accuracy) == (None, None, None, 1.0)
    lazy = Needs(wrong=3)
    assert (lazy.precision, lazy.recall, lazy.f1, lazy.accuracy) == (None, 0.0, None, 0.0)
    hasty = Needs(wrong=1, changed=1)
    assert (hasty.precision, hasty.recall, hasty.f1) == (0.0, 0.0, 0.0)


def test_a_composed_and_a_decomposed_letter_are_the_same_query() -> None:
    assert not compared(said("Is Soré new", "Is Sore\u0301 new", unchanged=True)).differs


def test_a_case_that_only_names_the_antecedent_has_a_cell_and_no_reference() -> None:
    metrics = measure([said("is it new", "is x new")])
    assert (metrics.n, metrics.measured, metrics.exact, metrics.bleu) == (1, 0, None, None)
    assert metrics.needs.right == 1
    assert all(line.value is None for line in lines_of(metrics))


def test_nothing_at_all_is_measured_as_nothing() -> None:
    assert measure([]) == Metrics(
        n=0,
        measured=0,
        exact=None,
        exact_cread=None,
        restoring=0,
        restored=None,
        bleu=None,
        sacre=None,
        rouge=None,
        needs=Needs(),
    )


@given(cases(), st.text(max_size=30))
def test_every_metric_is_a_share_and_the_reference_has_all_of_it(case: Case, text: str) -> None:
    reference = case.reference
    assert reference is not None
    own = measure([Utterance.of(case, reference, right=True)])
    assert (own.exact, own.exact_cread) == (1.0, 1.0)
    assert own.restored is None or {shares.f1 for shares in own.restored} <= {1.0, 0.0}
    assert own.restored is None or own.restored[0].f1 == 1.0
    other = measure([Utterance.of(case, text, right=False)])
    values = [line.value for line in lines_of(other) if line.value is not None]
    assert values
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in values)
