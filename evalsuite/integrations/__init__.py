"""Other people's evaluation tools, and how evalsuite's cases and detectors look to them.

One package for each tool. None is needed by the rest of evalsuite, and none is imported before it
is used.
"""
