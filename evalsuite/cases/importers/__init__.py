"""Other people's data sets of rewritten queries, as cases.

Every format is a reader that turns a file into drafts and problems (:mod:`.drafts`); one function
turns drafts into cases (:mod:`.making`), so that ids, kinds, names and messages come out the same
for all. :mod:`.written` says into which files they go. docs/cases.md says which formats there are,
and which of them were tried on the published files.
"""

from evalsuite.cases.importers.formats import FORMATS
from evalsuite.cases.importers.making import Imported, Wishes, import_cases, imported
from evalsuite.cases.importers.naming import guess_kind, identifier

__all__ = [
    "FORMATS",
    "Imported",
    "Wishes",
    "guess_kind",
    "identifier",
    "import_cases",
    "imported",
]
