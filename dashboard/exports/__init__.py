"""What a page shows, as files: tables for programs, tables and figures for a paper, what a model card or a reference list needs.

Pure functions of what the API answered (or of what was frozen) and of the page's state, so that a file holds what is on the screen,
and its address is the page's own with another path.
"""
