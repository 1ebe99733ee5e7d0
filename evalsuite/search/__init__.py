"""Search: hostile histories in batches, reduced to the smallest one that breaks a promise."""

from evalsuite.search.asker import Asker, Posed, Replies
from evalsuite.search.loop import Counterexample, Found, Hunt, Plan, Progress, Tried, defect_of
from evalsuite.search.record import to_json
from evalsuite.search.request import (
    Searched,
    SearchRequest,
    prepared,
    regression_of,
    remember_all,
    search,
)

__all__ = [
    "Asker",
    "Counterexample",
    "Found",
    "Hunt",
    "Plan",
    "Posed",
    "Progress",
    "Replies",
    "SearchRequest",
    "Searched",
    "Tried",
    "defect_of",
    "prepared",
    "regression_of",
    "remember_all",
    "search",
    "to_json",
]
