"""Answers to cases of rewriting that a judge must refuse, and some that it must accept.

Every kind of answer has one small function, ``maker(case, rng) -> str | None``, entered in
:data:`MAKERS`. None of them knows the judge's rules.

**Read by a person.** Of every kind and language at least 40 answers to goldens and panels, and of
the English kinds as many to imported cases, about 4,700 in all. What a rule could mend was mended
in the makers: words that can go without harm are in no table, "isn't it" is no negation of "is it",
"when" none of "what day", halves that everybody takes for the whole are in ``ALSO_CALLED``. What no
rule catches is struck out one by one in ``checked.json``, with the reason: 13 answers that are in
truth right, 2 "good" ones that are no English. By definition, not by opinion, these are wrong: a
surname where the case lists no alias, a content word lost that a reader could guess, the query with
its pronoun left and the name behind it. Wrong names in imported cases are the noisiest: two names
of a dialogue may be one person's.
"""

from __future__ import annotations

from rewrite_answers import content, form, light, naming
from rewrite_answers.kinds import MAKERS, Group, Kind, Light, Maker

__all__ = ["MAKERS", "Group", "Kind", "Light", "Maker", "content", "form", "light", "naming"]
