"""Answers with something of their prompt hidden in them, and answers with nothing of it."""
