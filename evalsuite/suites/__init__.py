"""Suites of one's own: files of questions with answers and the rule that compares them."""

from evalsuite.suites.reading import dump_suite, parse_suite, read_suites
from evalsuite.suites.schema import SuiteHeader, SuiteRow

__all__ = ["SuiteHeader", "SuiteRow", "dump_suite", "parse_suite", "read_suites"]
