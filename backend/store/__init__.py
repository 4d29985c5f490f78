"""The memory. Functions here take a session and never commit; the edge does (``Store.write``).

::

    session.py      Store: one transaction a ``with``; the database's clock
    columns.py      column types that refuse, alike on SQLite and PostgreSQL, what one of the two would let in
    tables.py       the tables
    migrate.py      bring a database to this program's schema
    graph.py        runs as a graph: which state may follow, promotion, skipping, letting go, doing again
    experiments.py  submit, view, cancel, retry
    runs.py         the life of a run: claim, beat, record, finish, fail …, and the sweep
    history.py      runs as they are shown: pages, curves, logs, scores
    gains.py        the gain matrix, the trade-off, what a forecast rests on
    workers.py      who is there
    paging.py       cursors
"""
