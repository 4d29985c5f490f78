"""Results that were made elsewhere, read row by row.

::

    files ──> long | trainer | jiant | xtreme ──> Row, Row, … or every error at once

Nothing here asks a database or a network: ``backend.store.imported`` keeps what was read. Imported scores are never mixed with own
ones: they have tables and pages of their own, and gains among themselves within one source and its settings.
"""
