"""What the gates see on one base: limits and panel sizes that follow from measurements.

See docs/calibrate.md for what is measured and how a limit follows from it.
"""

from evalsuite.calibration.calibrate import CalibrateRequest, Calibration, calibrate
from evalsuite.calibration.limits import Measure, Proposal, propose

__all__ = [
    "CalibrateRequest",
    "Calibration",
    "Measure",
    "Proposal",
    "calibrate",
    "propose",
]
