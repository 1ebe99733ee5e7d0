"""The registry: an append-only chain of promotion records, and how to check them."""

from evalsuite.registry.chain import Chain, read_chain
from evalsuite.registry.history import history, promotions
from evalsuite.registry.promotion import champion, promote, rollback
from evalsuite.registry.record import Action, PromotionRecord, read_record
from evalsuite.registry.verification import Check, Finding, Verification, verify

__all__ = [
    "Action",
    "Chain",
    "Check",
    "Finding",
    "PromotionRecord",
    "Verification",
    "champion",
    "history",
    "promote",
    "promotions",
    "read_chain",
    "read_record",
    "rollback",
    "verify",
]
