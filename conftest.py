"""Options that hold for every test of the repository; the gate options come from the plugin."""

from __future__ import annotations

import os

from hypothesis import settings

# One model thread per worker: two workers with two threads each fight over two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("repository", deadline=None, derandomize=True)
settings.load_profile("repository")

pytest_plugins = ["pytester"]
