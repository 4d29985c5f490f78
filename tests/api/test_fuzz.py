"""Requests made up from the API's own description, sound and unsound: no 500, and no answer that it does not describe.

The store has an experiment that is done and one that is not, so that ids which exist are found among those made up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.api.app import create_app
from backend.store.session import Store

EXAMPLES = int(os.environ.get("CROSSLIFT_TEST_EXAMPLES", "8"))  # of each operation
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def described(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tmp_path_factory.mktemp("fuzz") / "crosslift.db"
    shutil.copy(migrated, path)
    store = Store(f"sqlite:///{path}")
    app = create_app(store)
    body = {"name": "x", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"]}
    with TestClient(app) as client:
        for seed in (0, 1):
            assert client.post("/api/v1/experiments", json={**body, "seeds": [seed]}).status_code == 201
    found = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    yield found.exclude(path_regex="/events$")  # those do not end
    store.dispose()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["sound", "unsound"])
def test_made_up_requests(described: Any, mode: GenerationMode) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 28
    tried = 0
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            check()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing to get wrong: it takes no parameter
        else:
            tried += 1
    assert tried >= 20
