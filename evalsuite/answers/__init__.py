"""Answers that any system gave, judged as gates judge those of a candidate, without a model.

A file of answers is read (``reading``), put beside its cases (``matching``), judged answer by
answer (``judging``) and summed up (``summary``); two files are compared pair by pair (``pairs``).
docs/score.md says what the figures mean.
"""

from evalsuite.answers.contradictions import contradictions
from evalsuite.answers.judging import LEAK, LOSSES, Asking, Judged, judge_answers
from evalsuite.answers.matching import require_answers
from evalsuite.answers.pairs import Pairing, pair, require_margin
from evalsuite.answers.reading import Answer, AnswerFile, dump_answers, read_answers
from evalsuite.answers.rows import rows_text
from evalsuite.answers.summary import Group, Summary, Tally, summarise
from evalsuite.answers.workers import available

__all__ = [
    "LEAK",
    "LOSSES",
    "Answer",
    "AnswerFile",
    "Asking",
    "Group",
    "Judged",
    "Pairing",
    "Summary",
    "Tally",
    "available",
    "contradictions",
    "dump_answers",
    "judge_answers",
    "pair",
    "read_answers",
    "require_answers",
    "require_margin",
    "rows_text",
    "summarise",
]
