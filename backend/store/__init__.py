"""The memory. Functions here take a session and never commit; the edge does (``Store.write``).

::

    session.py      Store: one transaction a ``with``; the database's clock
    columns.py      column types that refuse, alike on SQLite and PostgreSQL, what one of the two would let in
    tables.py       the tables
    migrate.py      bring a database to this program's schema
    graph.py        runs as a graph: which state may follow, promotion, skipping, letting go, doing again
    experiments.py  submit, view, cancel, retry
    runs.py         the life of a run: claim, beat, record; cancelled or tried again by people
    endings.py      how an attempt ends: finish, fail, diverge …, and the sweep (reached through runs)
    history.py      runs as they are shown: pages, curves, logs, scores
    words.py        a run's title, and why it stands where it stands
    measured.py     scores as measurements, and the gains in them, kept in memory while nothing changes
    gains.py        the gain matrix
    tradeoff.py     gains against model size and cost
    overview.py     what has been learnt so far
    export.py       every score, every gain, in long form
    snapshots.py    what is frozen, and the links that show it
    reasons.py      why a cell of the matrix is empty
    costs.py        what runs took: the cost of a gain, what a forecast rests on
    workers.py      who is there
    paging.py       cursors
"""
