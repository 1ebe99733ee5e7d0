"""Cases: the type, and what surrounds it: YAML files, their JSON Schema, other people's formats."""

from evalsuite.cases.case import Case, Expectation, Kind, Language, Wanted, WorldName

__all__ = ["Case", "Expectation", "Kind", "Language", "Wanted", "WorldName"]
