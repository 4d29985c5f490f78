"""Saved views: everybody's and one's own, and what an address may be."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.account import Role
from backend.store import accounts
from backend.store.session import Store

V1 = "/api/v1"
PASSWORD = "a long enough pass phrase"


@pytest.fixture
def guarded(store: Store) -> FastAPI:
    """An application with accounts: a viewer, two submitters, an admin."""
    with store.write() as session:
        for name, role in (("vie", Role.VIEWER), ("sub", Role.SUBMITTER), ("sue", Role.SUBMITTER), ("adm", Role.ADMIN)):
            accounts.add(session, name, role, PASSWORD)
    return create_app(store, with_accounts=True)


@pytest.fixture
def enter(guarded: FastAPI) -> Any:
    def as_(name: str) -> TestClient:
        browser = TestClient(guarded, headers={"Origin": "http://testserver"})
        assert browser.post(V1 + "/session", json={"name": name, "password": PASSWORD}).status_code == 200
        return browser

    return as_


def save(client: TestClient, name: str, address: str = "/runs?kind=evaluate", **more: Any) -> Any:
    return client.post(V1 + "/views", json={"name": name, "address": address, **more})


def test_without_accounts_a_view_is_everybodys(client: TestClient) -> None:
    made = save(client, "Evaluations")
    assert made.status_code == 201
    found = made.json()
    assert (found["shared"], found["own"], found["owner"], found["short"]) == (True, True, None, "/v/1")
    assert client.get(made.headers["location"]).json() == found
    assert save(client, "A heatmap", "/explore?target=xnli").status_code == 201
    assert [v["name"] for v in client.get(V1 + "/views").json()] == ["Evaluations", "A heatmap"]
    assert [v["name"] for v in client.get(V1 + "/views?page=/runs").json()] == ["Evaluations"]
    assert client.get(V1 + "/views?page=/run").json() == []  # a page, not the beginning of its name
    refused = save(client, "Evaluations", "/queue")
    assert refused.status_code == 409 and "another name" in refused.json()["detail"]
    assert client.delete(V1 + "/views/1").json()["name"] == "Evaluations"
    assert client.delete(V1 + "/views/1").status_code == 404
    assert [v["name"] for v in client.get(V1 + "/views").json()] == ["A heatmap"]


def test_ones_own_is_seen_by_nobody_else_and_everybodys_takes_a_submitter(enter: Any) -> None:
    vie, sub, sue, adm = (enter(name) for name in ("vie", "sub", "sue", "adm"))
    assert save(vie, "Mine").status_code == 201
    refused = save(vie, "For all", shared=True)
    assert refused.status_code == 403 and "submitter" in refused.json()["detail"]
    assert save(sub, "Mine").status_code == 201  # a name is taken only where it is seen
    assert save(sub, "For all", shared=True).status_code == 201
    assert [(v["name"], v["owner"]) for v in vie.get(V1 + "/views").json()] == [("Mine", "vie"), ("For all", "sub")]
    assert [v["name"] for v in sue.get(V1 + "/views").json()] == ["For all"]
    assert sue.get(V1 + "/views/1").status_code == 404  # as if it were not there
    assert sue.delete(V1 + "/views/2").status_code == 404
    assert sue.delete(V1 + "/views/3").status_code == 403
    assert adm.delete(V1 + "/views/3").status_code == 200
    assert [v["own"] for v in vie.get(V1 + "/views").json()] == [True]
    kept = adm.get(V1 + "/audit").json()["items"]
    assert [(e["who"], e["action"], e["subject"]) for e in kept if "view" in e["subject"]] == [
        ("adm", "removed", "view 3, For all"),
        ("sub", "saved", "view 3, For all"),
    ]


@pytest.mark.parametrize(
    "address", ["/", "/runs", "/experiments/12", "/compare?a=mini-2/mnli/xnli&b=mini-2%2Fsquad%2Fxnli", "/runs?q=a%20b"]
)
def test_addresses_of_pages_are_kept_as_they_are(client: TestClient, address: str) -> None:
    assert save(client, "A view", address).json()["address"] == address


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/runs", "//elsewhere.example", "/\\elsewhere.example", "runs", "/runs#x", "/runs?a=1&a=2", "/v/1",
        "/s/token", "/api/v1/runs", "/logout", "/runs/../logout", "/runs?q=%00", "/runs?q=a b", "/runs?A=1", "/runs?q=%0d%0aX: y",
        "/runs?" + "q=" + "x" * 2000, "",
    ],
)  # fmt: skip
def test_what_leads_out_of_the_pages_is_refused(client: TestClient, address: str) -> None:
    refused = save(client, "A view", address)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/address"
    assert client.get(V1 + "/views").json() == []
