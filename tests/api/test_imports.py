"""Imports over HTTP: what is answered and written; reading and keeping are tested with ``importing`` and ``store.imported``."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.imports import ImportDone, ImportView
from backend.domain.schemas import GainMatrix

V1 = "/api/v1/imports"


def body(content: bytes, **changes: Any) -> dict[str, Any]:
    files = [{"name": "t.csv", "content": base64.b64encode(content).decode()}]
    return {"format": "long", "source": "a lab", "files": files, **changes}


@pytest.fixture
def table(client: TestClient) -> bytes:
    """What a reader downloads."""
    answer = client.get(V1 + "/example")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "crosslift-import.csv" in answer.headers["content-disposition"]
    return answer.content


def test_the_downloaded_example_comes_in_once(client: TestClient, table: bytes) -> None:
    checked = client.post(V1, json=body(table, dry_run=True))
    assert (checked.status_code, checked.json()["added"], checked.json()["made"]) == (200, 4, None)
    assert client.get(V1).json()["total"] == 0
    made = client.post(V1, json=body(table))
    assert made.status_code == 201
    done = ImportDone.model_validate(made.json())
    assert done.made is not None
    assert client.get(made.headers["location"]).json() == made.json()["made"]
    again = client.post(V1, json=body(table))
    assert (again.status_code, again.json()["added"], again.json()["already"]) == (200, 0, 4)
    assert "was imported before" in again.json()["said"]
    assert [ImportView(**i).source for i in client.get(V1).json()["items"]] == ["a lab"]
    actions = [(e["action"], e["subject"]) for e in client.get("/api/v1/audit").json()["items"]]
    assert actions == [("imported", "import 1, 4 scores of a lab")]


def test_its_gains_are_its_own_and_go_with_it(client: TestClient, table: bytes) -> None:
    assert client.get(V1 + "/gains").status_code == 404
    client.post(V1, json=body(table))
    found = GainMatrix.model_validate(client.get(V1 + "/gains").json())
    assert (found.model, found.target, found.benchmark) == ("xlmr-base", "xnli", "imported: a lab")
    assert {c.language: round(c.gain or 0, 6) for c in found.cells} == {"en": 0.2, "sw": 1.6}
    assert client.get("/api/v1/gains?source=hub").status_code == 404  # no run of ours is there
    assert client.get(V1 + "/choices").json()[0]["scores"] == 4
    assert client.post(V1 + "/1:remove").json()["rows"] == 4
    assert client.get(V1 + "/1").status_code == client.get(V1 + "/gains").status_code == 404
    assert client.post(V1 + "/1:remove").status_code == 404
    assert client.post(V1, json=body(table)).status_code == 201


def test_errors_point_at_file_line_column_and_value(client: TestClient, table: bytes) -> None:
    answer = client.post(V1, json=body(table.replace(b"64.2", b"642")))
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["detail"] == "Nothing was imported: 1 error."
    assert problem["errors"] == [
        {"pointer": "/files", "message": "t.csv, line 3, column value: '642'; points from 0 to 100 are accepted"}
    ]
    assert client.get(V1).json()["total"] == 0


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"format": "excel"}, "/format"),
        ({"source": ""}, "/source"),
        ({"source": "a\nlab"}, "/source"),
        ({"files": []}, "/files"),
        ({"seed": -1}, "/seed"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_request_that_cannot_be_meant(
    changes: dict[str, Any], pointer: str, client: TestClient, table: bytes
) -> None:
    answer = client.post(V1, json=body(table, **changes))
    assert answer.status_code == 422
    assert pointer in {e["pointer"] for e in answer.json()["errors"]}


def test_a_body_is_limited_as_everywhere(client: TestClient) -> None:
    assert client.post(V1, json=body(b"x" * 900_000)).status_code == 413
