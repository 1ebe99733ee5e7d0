"""evalsuite: the release gate for fine-tuned small language models.

Importing this package is cheap: it loads neither torch nor transformers. Everything heavy is
imported by the function that needs it.
"""

__version__ = "0.1.0"
