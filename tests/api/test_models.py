"""Models that are pretrained here: defined over HTTP, written down, and used without a restart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind
from backend.settings import settings
from backend.store.session import Store

V1 = "/api/v1"
BODY: dict[str, Any] = {
    "name": "lab-2", "text": ["en", "sw"], "layers": 2, "hidden": 32, "heads": 2, "vocabulary": 400, "positions": 66,
    "max_length": 32, "steps": 20,
}  # fmt: skip


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "data"
    for code, line in (("en", "a green dog"), ("sw", "mbwa wa kijani")):
        (folder / code).mkdir(parents=True)
        (folder / code / "text.txt").write_text(f"{line}\n" * 30)
    monkeypatch.setenv("CROSSLIFT_DATA_ROOT", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()
    MODELS.joined((), mark=())


def refusals(client: TestClient, **changes: Any) -> dict[str, str]:
    body = {k: v for k, v in (BODY | changes).items() if v is not None}
    answer = client.post(f"{V1}/models", json=body)
    assert answer.status_code == 422
    return {e["pointer"]: e["message"] for e in answer.json()["errors"]}


def test_it_is_defined_listed_and_its_run_is_queued(client: TestClient, rung: list[tuple[DeviceClass, int]]) -> None:
    answer = client.post(f"{V1}/models", json=BODY)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{V1}/models/lab-2"
    found = answer.json()
    assert rung == [(DeviceClass.CPU, 1)]
    # 400 + 66 + 1 embeddings and a norm of 32; two layers
    layer = 4 * (32 * 32 + 32) + 2 * 32 * 128 + 128 + 32 + 4 * 32
    assert (found["parameters"], found["parameters_non_embedding"]) == (32 * 469 + 2 * layer, 2 * layer)
    assert found["pretrained"]["lines"] == {"en": 30, "sw": 30}
    assert [f["path"] for f in found["pretrained"]["text"]["files"]] == ["en/text.txt", "sw/text.txt"]
    assert found["pretrained"]["text"]["exponent"] == 0.3
    assert found["sources"] == ["hub", "files"]
    assert client.get(f"{V1}/models/lab-2").json() == found
    assert client.get(f"{V1}/models").json()[-1] == found
    detail = client.get(f"{V1}/runs/{found['pretrained']['run']}/detail").json()
    assert detail["run"]["kind"] == "pretrain"
    assert detail["spec"]["text"]["files"][0]["lines"] == {"en": 30}
    # the same again is the same; something else of that name is refused
    again = client.post(f"{V1}/models", json=BODY)
    assert (again.status_code, again.json(), len(rung)) == (200, found, 1)
    assert refusals(client, steps=21)["/name"].startswith(
        "the name lab-2 is taken by a model that differs in pretraining"
    )


def test_an_experiment_waits_for_it(client: TestClient, worker: Any, store: Store) -> None:
    client.post(f"{V1}/models", json=BODY)
    asked = {
        "name": "own",
        "source": "files",
        "models": ["lab-2"],
        "recipes": ["squad"],
        "targets": ["xquad"],
        "device": "cuda",
    }
    made = client.post(f"{V1}/experiments", json=asked)
    assert made.status_code == 201
    runs = client.get(f"{V1}/experiments/{made.json()['id']}/runs?limit=200").json()["items"]
    first = next(r for r in runs if r["kind"] == "pretrain")
    assert first["parents"] == []
    tuned = next(r for r in runs if r["kind"] == "finetune" and r["recipe"] == "none")
    assert tuned["parents"] == [first["id"]]
    assert tuned["state"] == "waiting"
    # the checkpoint is made where the model says, though the experiment asks for a GPU
    assert worker.claim().kind is RunKind.PRETRAIN
    # cancelling the experiment leaves it to be made: it was asked for by itself
    client.post(f"{V1}/experiments/{made.json()['id']}:cancel")
    assert client.get(f"{V1}/runs/{first['id']}").json()["cancel_requested_at"] is None
    # and by itself it can be cancelled
    assert client.post(f"{V1}/runs/{first['id']}:cancel").json()["cancel_requested_at"] is not None


def test_another_process_knows_it_without_a_restart(client: TestClient, store: Store) -> None:
    """Two applications on one store; what one defines the other offers at once."""
    with TestClient(create_app(store)) as other:
        assert other.get(f"{V1}/models/lab-2").status_code == 404
        client.post(f"{V1}/models", json=BODY)
        MODELS.joined((), mark=())  # as the other process has it
        asked = {"name": "own", "source": "files", "models": ["lab-2"], "recipes": ["none"], "targets": ["tatoeba"]}
        assert other.post(f"{V1}/experiments:preview", json=asked | {"targets": ["xnli"]}).status_code == 200
        MODELS.joined((), mark=())
        assert other.get(f"{V1}/models/lab-2").status_code == 200
        MODELS.joined((), mark=())
        assert (
            other.get(f"{V1}/gains?model=lab-2&target=xnli&source=files").status_code == 404
        )  # known, but nothing is run


def test_going_on_from_a_model_keeps_its_sizes(client: TestClient) -> None:
    client.post(f"{V1}/models", json=BODY)
    body = {"name": "lab-2-sw", "text": ["sw"], "base": "lab-2", "steps": 5, "max_length": 32}
    found = client.post(f"{V1}/models", json=body).json()
    assert (found["layers"], found["hidden"], found["vocabulary"]) == (2, 32, 400)
    assert found["pretrained"]["text"]["masked"] == 0.15
    run = client.get(f"{V1}/runs/{found['pretrained']['run']}").json()
    assert run["parents"] == [client.get(f"{V1}/models/lab-2").json()["pretrained"]["run"]]
    hub = client.post(f"{V1}/models", json=body | {"name": "xlmr-sw", "base": "xlmr-base"}).json()
    detail = client.get(f"{V1}/runs/{hub['pretrained']['run']}/detail").json()
    assert detail["spec"]["model"]["checkpoint"] == "FacebookAI/xlm-roberta-base"
    assert hub["parameters"] == client.get(f"{V1}/models/xlmr-base").json()["parameters"]


def test_a_control_on_its_text_can_be_asked_for(client: TestClient) -> None:
    client.post(f"{V1}/models", json=BODY)
    asked = {
        "name": "own",
        "source": "files",
        "models": ["lab-2"],
        "recipes": ["control-mlm:squad"],
        "targets": ["xquad"],
    }
    assert client.post(f"{V1}/experiments:preview", json=asked).json()["by_kind"]["intermediate"] == 1
    refused = client.post(f"{V1}/experiments:preview", json=asked | {"models": ["lab-2", "xlmr-base"]}).json()
    assert "not here for xlmr-base" in refused["errors"][0]["message"]


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"name": "xlmr-base"}, "/name", "taken by another model"),
        ({"name": "Lab"}, "/name", "pattern"),
        ({"text": ["nowhere"]}, "/text", "there is no folder 'nowhere' in the data root"),
        ({"text": ["../x"]}, "/text", "not inside the data root"),
        ({"text": ["en", "en"]}, "/text/1", "named twice"),
        ({"languages": ["sw", "xx"]}, "/languages/1", "unknown language 'xx'"),
        ({"languages": ["de"]}, "/text", "there is no text of de"),
        ({"heads": 3}, "/heads", "hidden 32 is not a multiple of heads 3"),
        ({"max_length": 65}, "/max_length", "at most 64"),
        ({"vocabulary": 10}, "/vocabulary", "greater than or equal to 300"),
        ({"precision": "bf16"}, "/precision", "fp32"),
        ({"base": "mini-2"}, "/base", "cannot be continued on real text"),
        ({"base": "mt5-small"}, "/base", "mt5"),
        ({"base": "nobody"}, "/base", "unknown model"),
        ({"base": "xlmr-base"}, "/layers", "the sizes are those of xlmr-base"),
        ({"steps": 0}, "/steps", "greater than or equal to 1"),
        ({"exponent": 1.5}, "/exponent", "less than or equal to 1"),
        ({"depth": 3}, "/depth", "unknown field"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    client: TestClient, changes: dict[str, Any], pointer: str, message: str
) -> None:
    assert message in refusals(client, **changes)[pointer]
    assert client.get(f"{V1}/queue").json()["queued"] == 0


def test_without_a_data_root_it_says_what_to_set(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSLIFT_DATA_ROOT")
    settings.cache_clear()
    assert "CROSSLIFT_DATA_ROOT" in refusals(client)["/text"]
    assert "CROSSLIFT_DATA_ROOT" not in os.environ


def test_a_model_whose_base_is_gone_says_so(client: TestClient) -> None:
    """As after an administrator has taken a name out of the settings."""
    client.post(f"{V1}/models", json=BODY)
    found = MODELS["lab-2"].model_copy(update={"name": "lab-3", "base": "taken-out"})
    MODELS.joined((MODELS["lab-2"], found), mark=MODELS.mark)
    asked = {"name": "own", "source": "files", "models": ["lab-3"], "recipes": ["none"], "targets": ["xnli"]}
    refused = client.post(f"{V1}/experiments:preview", json=asked).json()
    assert refused["errors"][0]["message"] == "model lab-3 goes on from taken-out, which is not here any more"
