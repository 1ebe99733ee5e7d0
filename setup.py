"""What pyproject.toml cannot say: the golden cases and templates go into the wheel too.

``cases/`` and ``goldens/`` stand at the top of the repository, where people edit them, and outside
of the package, so that no pattern of package data reaches them. A copy below ``evalsuite/`` would
be a second source. So the build copies them, as ``evalsuite/shipped/cases`` and
``evalsuite/shipped/goldens``; an editable install reads them where they are
(evalsuite/cases/shipped.py). Naming them as build sources also puts them into an sdist.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("cases", "goldens")
NOT_SHIPPED = "regressions"
"""What searches found in this checkout concerns its candidates."""


class BuildShipped(build_py):
    """Builds the package, and copies what ships with it beside its modules."""

    def run(self) -> None:
        """Build; an editable install copies nothing."""
        super().run()
        if self.editable_mode:
            return
        for source, target in self._shipped().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target, preserve_mode=False)

    def get_source_files(self) -> list[str]:
        """What an sdist must hold."""
        return [*super().get_source_files(), *self._shipped()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What the build leaves."""
        return [*super().get_outputs(include_bytecode), *self._shipped().values()]

    def get_output_mapping(self) -> dict[str, str]:
        """Built file to source: what a strict editable install links to."""
        found = {target: source for source, target in self._shipped().items()}
        return super().get_output_mapping() | found

    def _shipped(self) -> dict[str, str]:
        """Source to target of every file, both relative to where they lie."""
        files = (f for name in SHIPPED for f in sorted(Path(name).rglob("*")) if f.is_file())
        below = Path(self.build_lib) / "evalsuite" / "shipped"
        return {
            file.as_posix(): str(below / file)
            for file in files
            if NOT_SHIPPED not in file.parts and not file.name.startswith(".")
        }


setup(cmdclass={"build_py": BuildShipped})
