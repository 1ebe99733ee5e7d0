"""The scenario grammar: conversations about things that do not exist, with known answers."""

from evalsuite.scenarios.anchors import Anchor, sample_anchors
from evalsuite.scenarios.answerrule import AnswerRule, Instruction, Normalise, Rule, Value
from evalsuite.scenarios.choices import CHOICES
from evalsuite.scenarios.grammar import LEXICONS, Template, make_case, make_lure, templates
from evalsuite.scenarios.names import Split, invent_name, is_personal, seeded, split_of
from evalsuite.scenarios.panels import (
    DemonstrationPair,
    Episode,
    Panel,
    ShownCase,
    can_lure,
    sample_chosen_panel,
    sample_demonstrations,
    sample_episodes,
    sample_panel,
    sample_shown_panel,
)
from evalsuite.scenarios.skillitem import SkillItem
from evalsuite.scenarios.skills import EVERY_SKILL, SKILLS, WRITTEN_SKILLS, sample_skills
from evalsuite.scenarios.texts import PASSAGES, TextItem, sample_passages, sample_texts
from evalsuite.scenarios.worlds import GRAMMARS

__all__ = [
    "CHOICES",
    "EVERY_SKILL",
    "GRAMMARS",
    "LEXICONS",
    "PASSAGES",
    "SKILLS",
    "WRITTEN_SKILLS",
    "Anchor",
    "AnswerRule",
    "DemonstrationPair",
    "Episode",
    "Instruction",
    "Normalise",
    "Panel",
    "Rule",
    "ShownCase",
    "SkillItem",
    "Split",
    "Template",
    "TextItem",
    "Value",
    "can_lure",
    "invent_name",
    "is_personal",
    "make_case",
    "make_lure",
    "sample_anchors",
    "sample_chosen_panel",
    "sample_demonstrations",
    "sample_episodes",
    "sample_panel",
    "sample_passages",
    "sample_shown_panel",
    "sample_skills",
    "sample_texts",
    "seeded",
    "split_of",
    "templates",
]
