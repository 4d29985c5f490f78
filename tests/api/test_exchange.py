"""An experiment leaves by the API and comes back by it; only who may change things brings one in."""

from __future__ import annotations

import shutil

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from backend import cli
from backend.api.app import create_app
from backend.store.session import Store

V1 = "/api/v1"
ZIP = {"Content-Type": "application/zip"}


def test_there_and_back(client, worker, request_body, migrated, tmp_path):
    assert client.post(f"{V1}/experiments", json=request_body).status_code == 201
    early = client.get(f"{V1}/experiments/1/file")
    assert (early.status_code, early.json()["title"]) == (409, "In conflict with the present state")
    worker.finish_all(lambda claim: 50.0 + (claim.spec.seed or 0))
    sent = client.get(f"{V1}/experiments/1/file", params={"installation": "lab A"})
    assert sent.headers["content-type"] == "application/zip"
    assert client.get(f"{V1}/experiments/1/file", params={"installation": "lab A"}).content == sent.content

    shutil.copy(migrated, tmp_path / "other.db")
    store = Store(f"sqlite:///{tmp_path}/other.db")
    other = TestClient(create_app(store))
    assert (
        other.post(f"{V1}/experiments:bring", content=sent.content, headers={"Content-Type": "text/plain"}).status_code
        == 415
    )
    broken = other.post(f"{V1}/experiments:bring", content=sent.content[:-9], headers=ZIP)
    assert broken.status_code == 422
    assert "damaged" in broken.json()["detail"]
    assert other.get(f"{V1}/experiments").json()["total"] == 0
    judged = other.post(f"{V1}/experiments:bring?check=true", content=sent.content, headers=ZIP)
    assert (judged.status_code, judged.json()["created"]) == (200, True) and "location" not in judged.headers
    assert other.get(f"{V1}/experiments").json()["total"] == 0  # nothing was written
    made = other.post(f"{V1}/experiments:bring", content=sent.content, headers=ZIP)
    assert (made.status_code, made.headers["location"]) == (201, f"{V1}/experiments/1")
    assert made.json()["experiment"]["brought"]["installation"] == "lab A"
    again = other.post(f"{V1}/experiments:bring", content=sent.content, headers=ZIP)
    assert (again.status_code, again.json()["created"]) == (200, False)
    gains = [c.get(f"{V1}/gains", params={"source": "mini"}).json() for c in (client, other)]
    assert gains[0]["cells"] == gains[1]["cells"]
    detail = other.get(f"{V1}/runs/1/detail").json()
    assert detail["brought"]["experiment_there"] == 1
    assert detail["run"]["brought"]
    store.dispose()


def test_a_large_file_is_read_and_a_larger_one_is_not(client):
    answer = client.post(f"{V1}/experiments:bring", content=b"\0" * (2 << 20), headers=ZIP)
    assert answer.status_code == 422
    huge = {**ZIP, "Content-Length": str(65 << 20)}
    assert client.post(f"{V1}/experiments:bring", content=b"", headers=huge).status_code == 413


def test_the_command_line_judges_a_file_without_an_installation(client, worker, request_body, tmp_path):
    client.post(f"{V1}/experiments", json=request_body)
    worker.finish_all()
    file = tmp_path / "one.zip"
    file.write_bytes(client.get(f"{V1}/experiments/1/file").content)
    whole = CliRunner().invoke(cli.app, ["bring", "--check", str(file)])
    assert whole.exit_code == 0
    assert len(whole.stdout.split()[-1]) == 64
    file.write_bytes(file.read_bytes()[:-30])
    assert cli.guarded(lambda: cli.app(["bring", "--check", str(file)], standalone_mode=False)) == cli.REFUSED
