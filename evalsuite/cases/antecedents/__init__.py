"""What an imported case must name and must not name, read off its history and accepted rewrites.

Nobody annotated it. What a rewrite puts back and the history says in a row is what was meant; other
names of its sort that the history holds are what a careless rewriter takes instead.
:func:`antecedents` reads both, without a model, and rather leaves out than guesses: a name too many
refuses right answers.
"""

from evalsuite.cases.antecedents.reading import Antecedents, antecedents

__all__ = ["Antecedents", "antecedents"]
