"""Files that a stranger may have written, read one way; and files that must last."""
