"""What the gates see on one base: limits and panel sizes that follow from measurements.

See docs/calibrate.md for what is measured and how a limit follows from it.
"""

from evalsuite.calibration.calibrate import CalibrateRequest, calibrate
from evalsuite.calibration.limits import Measure, Proposal, propose
from evalsuite.calibration.record import Calibration

__all__ = [
    "CalibrateRequest",
    "Calibration",
    "Measure",
    "Proposal",
    "calibrate",
    "propose",
]
