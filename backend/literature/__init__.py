"""Figures that were published elsewhere, with where they stand.

::

    sources.toml, figures/*.csv ──> figures ──> sets     (complete enough to explore like own results)
                                        └─────> differences  (published gains, where a table has both sides)

Numbers are facts: each comes with its paper, table and row, and with the page that it was read in. Only figures that were seen
there are held; what somebody remembers, or noted down from elsewhere, is not. They are compared with own results and never
mixed with them: no published score is the baseline of any gain of ours. Nothing here asks a database or a network.
"""
