"""Files that a stranger may have written: YAML, JSON, rows, tensors; and files that must last."""
