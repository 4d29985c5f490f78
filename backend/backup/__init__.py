"""Copies of a whole installation: its store and its artifacts, checked when they are made and before they are used.

::

    DIR/manifest.json                    written last: without it there is no backup
    DIR/database/crosslift.db            SQLite, as one file; or of PostgreSQL
    DIR/database/<table>.copy.gz         each table as COPY writes it, all of one moment
    DIR/artifacts/<fp[:2]>/<fp>/…        what done runs left behind, under their fingerprint

The database is read first and artifacts after it: they never change, so that all that it names is there, whoever works
meanwhile. A backup holds what the installation holds; its folder is closed to others.
"""
