"""Intervals, paired non-inferiority and planning: numbers in, :class:`Estimate` out.

Pure functions that know nothing of gates, cases or models. Every value is a loss: 0 is good.
"""

from evalsuite.statistics.agreement import Agreement, agreement
from evalsuite.statistics.clusters import ASSUMED_ICC
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.paired import (
    paired_difference,
    paired_mean,
    tango_interval,
    tango_statistic,
)
from evalsuite.statistics.planning import (
    more_cases_for_difference,
    more_cases_for_mean,
    more_cases_for_rate,
    smallest_detectable_difference,
    smallest_detectable_rate,
)
from evalsuite.statistics.rates import best_case_upper, clopper_pearson, clustered_rate
from evalsuite.statistics.response import ResponseCurve, response_curve
from evalsuite.statistics.sequential import BlockingPlan, Step, early_blocking
from evalsuite.statistics.strata import Stratum, complement, stratified_rate, weighted_sum

__all__ = [
    "ASSUMED_ICC",
    "Agreement",
    "BlockingPlan",
    "Estimate",
    "ResponseCurve",
    "Sides",
    "Step",
    "Stratum",
    "agreement",
    "best_case_upper",
    "clopper_pearson",
    "clustered_rate",
    "complement",
    "early_blocking",
    "more_cases_for_difference",
    "more_cases_for_mean",
    "more_cases_for_rate",
    "paired_difference",
    "paired_mean",
    "response_curve",
    "smallest_detectable_difference",
    "smallest_detectable_rate",
    "stratified_rate",
    "tango_interval",
    "tango_statistic",
    "weighted_sum",
]
