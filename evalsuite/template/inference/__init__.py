"""Infers a chat format from its maker's own template, and proves it or refuses.

The template runs in a process of its own (:mod:`evalsuite.template.isolated`). What is learned
there (:mod:`learning`) is a :class:`Format`, which predicts every text, and is checked on
conversations that it was not learned from (:mod:`proof`). :mod:`wires` writes it in the notation of
families.
"""
