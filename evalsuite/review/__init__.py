"""What people say: how well a run's detectors agree with them, and first labels out of logs.

Sheets are handed out (:mod:`evalsuite.review.sheet`), filled by people and read back
(:mod:`evalsuite.review.filled`). Nothing here asks a model, and nothing is sent anywhere.
"""

from evalsuite.review.goldens import Goldens, goldens_of
from evalsuite.review.key import KEY, Key, draw, dump_key, load_key
from evalsuite.review.raters import THIRD, Readings, read_sheets, sheets_of, third_sheet
from evalsuite.review.results import disagreements, results
from evalsuite.review.sheet import Sheet, csv_text

__all__ = [
    "KEY",
    "THIRD",
    "Goldens",
    "Key",
    "Readings",
    "Sheet",
    "csv_text",
    "disagreements",
    "draw",
    "dump_key",
    "goldens_of",
    "load_key",
    "read_sheets",
    "results",
    "sheets_of",
    "third_sheet",
]
