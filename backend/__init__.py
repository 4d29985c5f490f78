"""The trunk: what the worker and the dashboard, its two leaves, have in common.

Four layers, each of which looks only down::

    api      the door       routes, nothing clever
    queue    the doorbell   message and queue names, rung after a commit
    store    the memory     tables, queries, one transaction
    domain   the meaning    tasks, models, experiments, gains

``backend.domain`` needs the standard library and pydantic alone, and nothing in ``backend`` imports
torch: the catalogue weighs nothing. Import-linter holds both (``pyproject.toml``).
"""
