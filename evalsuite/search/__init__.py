"""Search: collect hostile histories, answer them in one batch, let Hypothesis shrink them."""

from evalsuite.search.collect import collect
from evalsuite.search.oracle import Broken, Oracle

__all__ = ["Broken", "Oracle", "collect"]
