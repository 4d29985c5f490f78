"""Requests made up from the API's own description, sound and unsound: no 500, and no answer that it does not describe.

The store has an experiment that is done and one that is not, so that ids which exist are found among those made up.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.api.app import create_app
from backend.domain.account import Role, TokenRequest
from backend.store import accounts, credentials
from backend.store.session import Store

pytestmark = pytest.mark.timeout(3600)  # with 300 examples each
EXAMPLES = int(os.environ.get("CROSSLIFT_TEST_EXAMPLES", "8"))  # of each operation
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def judge(case: Any, response: Any) -> None:
    """``/readyz`` may say that something does not answer in time: that is what it is for."""
    late = case.operation.path == "/readyz" and response.status_code == 503
    case.validate_response(response, checks=[c for c in CHECKS if not (late and c is not_a_server_error)])


def copied(source: Path, target: Path) -> None:
    """A database, also while others have it open."""
    with closing(sqlite3.connect(source)) as a, closing(sqlite3.connect(target)) as b:
        a.backup(b)


@pytest.fixture(scope="module")
def path(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "crosslift.db"
    shutil.copy(migrated, path)
    return path


@pytest.fixture(scope="module")
def described(path: Path) -> Iterator[Any]:
    store = Store(f"sqlite:///{path}")
    app = create_app(store)
    body = {"name": "x", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"]}
    with TestClient(app) as client:
        for seed in (0, 1):
            assert client.post("/api/v1/experiments", json={**body, "seeds": [seed]}).status_code == 201
    copied(path, path.with_suffix(".before"))
    found = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    yield found.exclude(path_regex="/events$")  # those do not end
    store.dispose()


@pytest.mark.timeout(3600)  # with as many examples as test-full has
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["sound", "unsound"])
def test_made_up_requests(described: Any, mode: GenerationMode) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 39
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
            judge(case, case.call())

        try:
            check()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing to get wrong: it takes no parameter
        else:
            tried += 1
    assert tried >= 20


STEPS = 12  # requests of a sequence


@pytest.mark.timeout(3600)
def test_made_up_sequences_of_requests(described: Any, path: Path) -> None:
    """What was made by one request is asked for, cancelled, retried, exported and revoked by the next, in any order. What
    can be drawn next depends on what was answered, so every sequence begins with the same store."""
    machine = described.as_state_machine()

    class Sequence(machine):  # type: ignore[misc,valid-type]
        def setup(self) -> None:
            copied(path.with_suffix(".before"), path)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            judge(case, response)

    run_state_machine_as_test(
        Sequence,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(scope="module")
def guarded(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """The same where people sign in, and an API token of each role."""
    path = tmp_path_factory.mktemp("fuzz-accounts") / "crosslift.db"
    shutil.copy(migrated, path)
    store = Store(f"sqlite:///{path}")
    tokens = {"": ""}
    with store.write() as session:
        id = accounts.add(session, "fuzz", Role.ADMIN, "a battery of correct horses")
        for role in Role:
            tokens[role.value] = credentials.make_token(session, id, Role.ADMIN, TokenRequest(name="f", role=role))[1]
    app = create_app(store, with_accounts=True)
    headers = {"Authorization": f"Bearer {tokens['viewer']}"}
    found = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=headers)
    yield found.exclude(path_regex="/events$"), tokens
    store.dispose()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ["", *Role])
def test_made_up_requests_where_people_sign_in(guarded: tuple[Any, dict[str, str]], role: str) -> None:
    """Nobody and each role: never an error of ours, and what is refused is refused before anything else is looked at."""
    described, tokens = guarded
    headers = {"Authorization": f"Bearer {tokens[role]}"} if role else {}
    refused = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=max(1, EXAMPLES // 4),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def check(case: Any) -> None:
            nonlocal refused
            response = case.call(headers=headers)
            judge(case, response)
            refused += response.status_code in (401, 403)

        check()
    assert refused > 0
