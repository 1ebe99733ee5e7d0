"""Intervals, paired non-inferiority and planning: numbers in, :class:`Estimate` out.

Pure functions that know nothing of gates, cases or models. Every value is a loss: 0 is good.
"""

from evalsuite.statistics.betting import Claim, betting_wealth, first_reaching
from evalsuite.statistics.clusters import ASSUMED_ICC
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.paired import (
    mcnemar,
    paired_difference,
    paired_mean,
    tango_interval,
    tango_statistic,
)
from evalsuite.statistics.planning import (
    more_cases_for_difference,
    more_cases_for_mean,
    more_cases_for_rate,
    power,
    sample_size,
    smallest_detectable_difference,
    smallest_detectable_rate,
    zero_failure_size,
)
from evalsuite.statistics.rates import best_case_upper, clopper_pearson, clustered_rate
from evalsuite.statistics.resampling import paired_bootstrap
from evalsuite.statistics.response import ResponseCurve, response_curve
from evalsuite.statistics.sequential import (
    Characteristics,
    Decision,
    SequentialTest,
    Step,
    early_blocking,
    truncated_sprt,
)

__all__ = [
    "ASSUMED_ICC",
    "Characteristics",
    "Claim",
    "Decision",
    "Estimate",
    "ResponseCurve",
    "SequentialTest",
    "Sides",
    "Step",
    "best_case_upper",
    "betting_wealth",
    "clopper_pearson",
    "clustered_rate",
    "early_blocking",
    "first_reaching",
    "mcnemar",
    "more_cases_for_difference",
    "more_cases_for_mean",
    "more_cases_for_rate",
    "paired_bootstrap",
    "paired_difference",
    "paired_mean",
    "power",
    "response_curve",
    "sample_size",
    "smallest_detectable_difference",
    "smallest_detectable_rate",
    "tango_interval",
    "tango_statistic",
    "truncated_sprt",
    "zero_failure_size",
]
