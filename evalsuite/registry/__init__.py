"""The registry: an append-only chain of promotion records, and how to check them."""

from evalsuite.registry.chain import Chain, read_chain
from evalsuite.registry.history import history, promotions
from evalsuite.registry.lineages import Lineage, add_lineage, read_lineages
from evalsuite.registry.pins import Pin, accept_policy, pinned, read_pins
from evalsuite.registry.promotion import champion, promote, rollback
from evalsuite.registry.record import Action, PolicyException, PromotionRecord, read_record
from evalsuite.registry.verification import Check, Finding, Verification, verify

__all__ = [
    "Action",
    "Chain",
    "Check",
    "Finding",
    "Lineage",
    "Pin",
    "PolicyException",
    "PromotionRecord",
    "Verification",
    "accept_policy",
    "add_lineage",
    "champion",
    "history",
    "pinned",
    "promote",
    "promotions",
    "read_chain",
    "read_lineages",
    "read_pins",
    "read_record",
    "rollback",
    "verify",
]
