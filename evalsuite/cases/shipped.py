"""Where golden cases lie: in a folder of the user's, or where they ship with evalsuite.

The folder ``cases`` at the top of the repository is their one source. In a checkout and in an
editable install it is read where it is; setup.py copies it into a wheel, so that an installed
evalsuite has golden cases wherever it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalsuite import __version__

CASES = "cases"
"""The user's own folder, unless another is named."""
DEMONSTRATIONS = "demonstrations"
"""The folder below a case folder that holds what prompts of golden cases show: of each set and
language ``<set>_<language>.yaml``, and beside it ``..._swap.yaml``, its counterfactual."""
REGRESSIONS = "regressions"
"""The folder below it that a search writes: it holds no golden cases."""
SHIPPED = "shipped"
"""The folder of the package that a wheel has for them, and a checkout has not."""
_SHIPPED = "shipped with evalsuite "
_PACKAGE = Path(__file__).parent.parent
_PLACES = (_PACKAGE / SHIPPED / CASES, _PACKAGE.parent / CASES)
"""Of the shipped cases: in an installed wheel, and in a checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFolders:
    """Where golden cases are read, and where regressions are read and written."""

    goldens: Path
    """Golden cases, and beside them their demonstrations."""
    regressions: Path
    """Always below a folder of the user's; need not exist."""
    origin: str
    """What a record says: the folder, made absolute, or ``shipped with evalsuite VERSION``."""

    @property
    def shipped(self) -> bool:
        """Whether the golden cases are those that ship with evalsuite."""
        return shipped_version(self.origin) is not None


def case_folders(named: Path | None = None, root: Path = Path()) -> CaseFolders:
    """Choose the folder of golden cases; nothing in it is read.

    Args:
        named: the folder that a person named; it is taken whether or not it exists.
        root: where the folder ``cases`` is looked for when none is named. One that holds nothing
            but regressions leaves the shipped cases in force, since a search may have made it.
    """
    own = root / CASES if named is None else named
    shipped = next((place for place in _PLACES if place.is_dir()), None)
    if named is not None or shipped is None or _has_content(own):
        return CaseFolders(goldens=own, regressions=own / REGRESSIONS, origin=str(own.absolute()))
    return CaseFolders(
        goldens=shipped, regressions=own / REGRESSIONS, origin=f"{_SHIPPED}{__version__}"
    )


def shipped_version(origin: str) -> str | None:
    """The version of evalsuite whose cases a recorded origin names; None for a folder."""
    return origin.removeprefix(_SHIPPED) if origin.startswith(_SHIPPED) else None


def _has_content(folder: Path) -> bool:
    """Whether a person put anything there, be it a mistake that an error should name."""
    if not folder.is_dir():
        return folder.is_symlink() or folder.exists()
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return True
    return any(name != REGRESSIONS and not name.startswith(".") for name in names)
