"""Who tests the tests: planted defects and harmless candidates, judged by the same gates.

See docs/qualification.md for what each figure means.
"""

from evalsuite.qualification.experiment import QualifyRequest, qualify
from evalsuite.qualification.mixture import Corrupted, corrupted
from evalsuite.qualification.mutants import MUTANTS, Mutant
from evalsuite.qualification.nulls import Null, NullBank
from evalsuite.qualification.record import Counted, Qualification, alarms, counted
from evalsuite.qualification.specimen import Specimen
from evalsuite.qualification.trials import SEVERITIES, Outcome, Trial, outcome, outcome_of, trials

__all__ = [
    "MUTANTS",
    "SEVERITIES",
    "Corrupted",
    "Counted",
    "Mutant",
    "Null",
    "NullBank",
    "Outcome",
    "Qualification",
    "QualifyRequest",
    "Specimen",
    "Trial",
    "alarms",
    "corrupted",
    "counted",
    "outcome",
    "outcome_of",
    "qualify",
    "trials",
]
