"""The commands of the command line, one module for each group.

Each module has ``add(subparsers)``, which declares its commands and sets ``run``: a function from
parsed arguments and the terminal to an exit status.
"""
