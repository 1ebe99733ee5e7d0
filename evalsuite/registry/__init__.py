"""The registry: an append-only chain of promotion records, and how to check them."""

from evalsuite.registry.chain import read_chain
from evalsuite.registry.promotion import champion, promote, rollback
from evalsuite.registry.record import Action, PromotionRecord, read_record
from evalsuite.registry.verification import Check, Finding, Verification, verify

__all__ = [
    "Action",
    "Check",
    "Finding",
    "PromotionRecord",
    "Verification",
    "champion",
    "promote",
    "read_chain",
    "read_record",
    "rollback",
    "verify",
]
