"""Rules by which an answer in words counts as right: one module for each, pure functions."""
