"""The application as a whole: what it loads, what it says about itself, what every answer carries."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.api import reference
from backend.api.app import create_app
from backend.api.gate import ContentSecurity
from backend.store.session import Store

OPERATIONS = {
    "is_alive": ("GET", "/healthz"),
    "is_ready": ("GET", "/readyz"),
    "list_tasks": ("GET", "/api/v1/tasks"),
    "get_task": ("GET", "/api/v1/tasks/{name}"),
    "list_models": ("GET", "/api/v1/models"),
    "get_model": ("GET", "/api/v1/models/{name}"),
    "pretrain_model": ("POST", "/api/v1/models"),
    "list_languages": ("GET", "/api/v1/languages"),
    "get_language": ("GET", "/api/v1/languages/{code}"),
    "preview_experiment": ("POST", "/api/v1/experiments:preview"),
    "expect_experiment": ("POST", "/api/v1/experiments:expect"),
    "recommend_experiments": ("GET", "/api/v1/recommendations"),
    "submit_experiment": ("POST", "/api/v1/experiments"),
    "list_experiments": ("GET", "/api/v1/experiments"),
    "get_experiment": ("GET", "/api/v1/experiments/{experiment_id}"),
    "list_experiment_runs": ("GET", "/api/v1/experiments/{experiment_id}/runs"),
    "cancel_experiment": ("POST", "/api/v1/experiments/{experiment_id}:cancel"),
    "retry_experiment": ("POST", "/api/v1/experiments/{experiment_id}:retry"),
    "watch_experiment": ("GET", "/api/v1/experiments/{experiment_id}/events"),
    "export_experiment": ("GET", "/api/v1/experiments/{experiment_id}/export"),
    "pack_experiment": ("GET", "/api/v1/experiments/{experiment_id}/file"),
    "bring_experiment": ("POST", "/api/v1/experiments:bring"),
    "list_submissions": ("GET", "/api/v1/experiments/{experiment_id}/submissions"),
    "build_submission": ("GET", "/api/v1/experiments/{experiment_id}/submission"),
    "check_stored_submission": ("GET", "/api/v1/experiments/{experiment_id}/submission/check"),
    "check_submission": ("POST", "/api/v1/submissions:check"),
    "check_forecasts": ("GET", "/api/v1/forecast"),
    "expect_gains": ("GET", "/api/v1/gains/expected"),
    "list_runs": ("GET", "/api/v1/runs"),
    "list_run_rows": ("GET", "/api/v1/runs/rows"),
    "list_views": ("GET", "/api/v1/views"),
    "save_view": ("POST", "/api/v1/views"),
    "get_view": ("GET", "/api/v1/views/{view_id}"),
    "remove_view": ("DELETE", "/api/v1/views/{view_id}"),
    "get_run": ("GET", "/api/v1/runs/{run_id}"),
    "get_run_detail": ("GET", "/api/v1/runs/{run_id}/detail"),
    "get_run_curves": ("GET", "/api/v1/runs/{run_id}/curves"),
    "get_run_scores": ("GET", "/api/v1/runs/{run_id}/scores"),
    "get_run_logs": ("GET", "/api/v1/runs/{run_id}/logs"),
    "watch_run": ("GET", "/api/v1/runs/{run_id}/events"),
    "cancel_run": ("POST", "/api/v1/runs/{run_id}:cancel"),
    "retry_run": ("POST", "/api/v1/runs/{run_id}:retry"),
    "move_run": ("POST", "/api/v1/runs/{run_id}:move"),
    "get_queue": ("GET", "/api/v1/queue"),
    "list_workers": ("GET", "/api/v1/workers"),
    "drain_worker": ("POST", "/api/v1/workers/{name}:drain"),
    "resume_worker": ("POST", "/api/v1/workers/{name}:resume"),
    "get_gains": ("GET", "/api/v1/gains"),
    "export_gains": ("GET", "/api/v1/gains/export"),
    "get_certainty": ("GET", "/api/v1/gains/certainty"),
    "get_buckets": ("GET", "/api/v1/gains/buckets"),
    "list_language_gains": ("GET", "/api/v1/gains/languages"),
    "get_language_gains": ("GET", "/api/v1/gains/languages/{code}"),
    "get_flips": ("GET", "/api/v1/gains/flipped"),
    "list_flips": ("GET", "/api/v1/gains/flipped/examples"),
    "get_checklist": ("GET", "/api/v1/checklist"),
    "list_check_failures": ("GET", "/api/v1/checklist/failures"),
    "export_flips": ("GET", "/api/v1/gains/flipped/export"),
    "cross_gains": ("GET", "/api/v1/gains/crossed"),
    "compare": ("GET", "/api/v1/compare"),
    "export_comparison": ("GET", "/api/v1/compare/export"),
    "get_tradeoff": ("GET", "/api/v1/tradeoff"),
    "get_portfolio": ("GET", "/api/v1/tradeoff/portfolio"),
    "get_trend": ("GET", "/api/v1/tradeoff/trend"),
    "get_overview": ("GET", "/api/v1/overview"),
    "get_answer": ("GET", "/api/v1/answer"),
    "get_answer_data": ("GET", "/api/v1/answer/data"),
    "preview_snapshot": ("POST", "/api/v1/snapshots:preview"),
    "make_snapshot": ("POST", "/api/v1/snapshots"),
    "list_snapshots": ("GET", "/api/v1/snapshots"),
    "revoke_snapshot": ("POST", "/api/v1/snapshots/{snapshot_id}:revoke"),
    "get_shared": ("GET", "/api/v1/shared/{token}"),
    "get_ways": ("GET", "/api/v1/session"),
    "sign_in": ("POST", "/api/v1/session"),
    "begin_sign_in": ("POST", "/api/v1/session:begin"),
    "finish_sign_in": ("POST", "/api/v1/session:finish"),
    "sign_out": ("POST", "/api/v1/session:end"),
    "get_me": ("GET", "/api/v1/me"),
    "change_password": ("POST", "/api/v1/me/password"),
    "list_sessions": ("GET", "/api/v1/me/sessions"),
    "end_session": ("POST", "/api/v1/me/sessions/{session_id}:end"),
    "list_tokens": ("GET", "/api/v1/me/tokens"),
    "make_token": ("POST", "/api/v1/me/tokens"),
    "revoke_token": ("POST", "/api/v1/me/tokens/{token_id}:revoke"),
    "list_accounts": ("GET", "/api/v1/accounts"),
    "list_audit": ("GET", "/api/v1/audit"),
    "import_results": ("POST", "/api/v1/imports"),
    "list_imports": ("GET", "/api/v1/imports"),
    "get_imported_gains": ("GET", "/api/v1/imports/gains"),
    "list_imported": ("GET", "/api/v1/imports/choices"),
    "get_import_example": ("GET", "/api/v1/imports/example"),
    "get_import": ("GET", "/api/v1/imports/{import_id}"),
    "remove_import": ("POST", "/api/v1/imports/{import_id}:remove"),
    "list_published": ("GET", "/api/v1/published"),
    "list_published_sources": ("GET", "/api/v1/published/sources"),
    "list_published_gains": ("GET", "/api/v1/published/gains"),
    "list_published_sets": ("GET", "/api/v1/published/sets"),
    "get_published_set": ("GET", "/api/v1/published/sets/{name}"),
    "compare_published": ("GET", "/api/v1/published/reproduction"),
}


def test_loads_neither_torch_nor_the_leaves() -> None:
    code = (
        "import sys, backend.api.app\n"
        "heavy = {'torch', 'transformers', 'datasets', 'numpy', 'pandas', 'dash', 'worker', 'dashboard', 'celery'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_operations_and_their_addresses_are_stable(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    found = {op["operationId"]: (m.upper(), path) for path, of in paths.items() for m, op in of.items()}
    assert found == OPERATIONS


def test_the_description_tells_the_truth_about_errors(client: TestClient) -> None:
    description = client.get("/api/v1/openapi.json").json()
    assert description["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]
    for path, methods in description["paths"].items():
        for operation in methods.values():
            assert operation["tags"], path
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/readyz":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
    for name in re.findall(r"#/components/schemas/(\w+)", str(description)):
        assert name in description["components"]["schemas"]


def test_every_answer_says_what_a_browser_may_do_with_it(store: Store) -> None:
    for public in (None, "https://lab.example"):
        answers = TestClient(create_app(store, public_url=public))
        for path in ("/healthz", "/api/v1/runs", "/api/v1/nothing", "/nothing"):
            found = answers.get(path).headers
            assert found["x-content-type-options"] == "nosniff"
            assert found["x-frame-options"] == "DENY"
            assert found["cross-origin-resource-policy"] == "same-origin"
            assert "unsafe-eval" not in found["content-security-policy"]
            assert ("strict-transport-security" in found) is (public is not None)


def test_the_request_has_an_example_that_works(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()["components"]["schemas"]["ExperimentRequest"]
    for example in schema["examples"]:
        assert client.post("/api/v1/experiments:preview", json=example).status_code == 200


def test_every_schema_of_an_answer_has_an_example_that_fits_it(client: TestClient) -> None:
    description = client.get("/api/v1/openapi.json").json()
    named = set()
    for methods in description["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    schema = content.get("schema", {})
                    named |= set(re.findall(r"schemas/(\w+)", str(schema)))
    composed = {n for n in named if n.startswith("Page_")} | {"GainMatrix", "RunDetail"}  # made of the others
    for name in named - composed:
        assert description["components"]["schemas"][name]["examples"], name
    for name, schema in description["components"]["schemas"].items():
        for example in schema.get("examples", []):
            assert set(schema["required"]) <= set(example) <= set(schema["properties"]), name


def test_the_reference_page_needs_nothing_from_elsewhere_and_no_script(client: TestClient) -> None:
    response = client.get("/api/docs")
    assert response.headers["content-type"].startswith("text/html")
    page = response.text
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    for operation in OPERATIONS:
        assert f'id="{operation}"' in page
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page
    assert client.get("/redoc").status_code == 404
    assert client.get("/docs").status_code == 404


def test_the_reference_page_escapes_whatever_the_description_holds() -> None:
    bad = "<script>alert(1)</script>"
    schema = {"type": "object", "description": bad, "examples": [{"a": bad}], "required": [bad], "properties": {
        bad: {"type": bad, "description": bad}, "e": {"enum": [bad]}, "l": {"type": "array", "items": {"$ref": "#/" + bad}},
    }}  # fmt: skip
    operation = {
        "operationId": bad, "tags": [bad], "description": bad, "parameters": [
            {"name": bad, "in": "query", "schema": {"type": "string", "default": bad}, "description": bad},
        ],
        "requestBody": {"content": {bad: {"schema": {"$ref": "#/components/schemas/S"}}}},
        "responses": {"200": {"description": bad, "content": {bad: {"schema": {"$ref": "#/" + bad}}}}},
    }  # fmt: skip
    page = reference.page({
        "info": {"title": bad, "description": bad}, "paths": {"/" + bad: {"get": operation}},
        "components": {"schemas": {"S": schema, bad: {"type": "object"}}},
    })  # fmt: skip
    assert "<script" not in page
    assert page.count("alert(1)") > 15


def test_every_answer_is_labelled(client: TestClient) -> None:
    for path in ("/api/v1/tasks", "/api/v1/nope", "/api/docs", "/nope", "/healthz"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self';" in policy
        assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_request_ids_are_echoed_if_they_can_do_no_harm(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "a.b-c_1"}).headers["x-request-id"] == "a.b-c_1"
    for bad in (b"a b", b"x" * 65, b'"', "é".encode()):
        echoed = client.get("/healthz", headers={b"X-Request-ID": bad}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", echoed)


def test_pages_add_to_the_policy(app: FastAPI, client: TestClient) -> None:
    app.state.content_security.allow("script-src", "'sha256-abc='")
    assert "script-src 'self' 'sha256-abc=';" in client.get("/healthz").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("directive", "source"),
    [("script-src", "'unsafe-eval'"), ("script-src", "a; b"), ("nope", "'self'"), ("img-src", "")],
)
def test_the_policy_cannot_be_weakened_by_accident(directive: str, source: str) -> None:
    with pytest.raises(ValueError):
        ContentSecurity().allow(directive, source)


def test_one_log_line_a_request_and_nothing_can_forge_another(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="crosslift.api"):
        client.get("/api/v1/tasks%0A2026%20ERROR%20forged%1B%5B31m%E2%80%AE")
    lines = [r for r in caplog.records if r.name == "crosslift.api"]
    assert len(lines) == 1
    message = lines[0].getMessage()
    assert message.isprintable()
    assert "\\n2026" in message
    fields: Any = lines[0].__dict__["fields"]
    assert fields["status"] == 404
    assert fields["milliseconds"] >= 0


def test_long_json_is_compressed_and_short_is_not(client: TestClient) -> None:
    assert client.get("/api/v1/openapi.json").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/healthz").headers
    plain = client.get("/api/v1/openapi.json", headers={"Accept-Encoding": "identity"})
    assert plain.headers["cache-control"] == "no-store"
    assert "content-encoding" not in plain.headers
