"""The judge of a rewrite: is it still the query, whole, and does it stand alone?

Reads text only. :func:`judge` takes a case and an answer and gives a :class:`Judgement`: four
losses (named, kept, form, untouched), each with its reasons and the places in the answer. What can
be asked depends on what the case knows about its right answers (:class:`Standard`).
docs/rewrites.md says what every part demands, and what no rule over words can see.
"""

from evalsuite.rewrites.judge import judge, standard_of
from evalsuite.rewrites.judgement import Finding, Judgement, Part, Standard

__all__ = ["Finding", "Judgement", "Part", "Standard", "judge", "standard_of"]
