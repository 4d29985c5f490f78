"""Tasks, models, languages; and entity tags, which the gains share."""

from __future__ import annotations

import gzip
import json

import pytest
from fastapi.testclient import TestClient

from backend.domain.language import LANGUAGES
from backend.domain.model import MODELS
from backend.domain.schemas import LanguageView, ModelView, TaskView
from backend.domain.tasks import TASKS

V1 = "/api/v1"
LISTS = [
    ("tasks", TaskView, "name", set(TASKS)),
    ("models", ModelView, "name", set(MODELS)),
    ("languages", LanguageView, "code", set(LANGUAGES)),
]


@pytest.mark.parametrize(("path", "schema", "key", "names"), LISTS)
def test_lists_hold_everything_in_its_schema(
    idle: TestClient, path: str, schema: type, key: str, names: set[str]
) -> None:
    found = idle.get(f"{V1}/{path}").json()
    for entry in found:
        schema.model_validate(entry)
        assert idle.get(f"{V1}/{path}/{entry[key]}").json() == entry
    assert {entry[key] for entry in found} == names


def test_a_model_tells_both_its_sizes(idle: TestClient) -> None:
    found = idle.get(V1 + "/models/xlmr-base").json()
    assert 270e6 < found["parameters"] < 280e6
    assert 80e6 < found["parameters_non_embedding"] < 90e6


def test_a_model_tells_its_shape_and_where_it_is_from(idle: TestClient) -> None:
    found = idle.get(V1 + "/models/rembert").json()
    assert (found["heads"], found["vocabulary"]) == (
        18,
        250_300,
    )  # Chung et al. 2021, and the checkpoint's configuration
    model = MODELS["rembert"]
    assert (found["citation"], found["note"]) == (model.citation, model.note)
    assert any(m["note"] for m in idle.get(V1 + "/models").json())


def test_an_unknown_name_is_told_what_is_close(idle: TestClient) -> None:
    assert "did you mean xnli" in idle.get(V1 + "/tasks/xnly").json()["detail"]


@pytest.mark.parametrize("path", ["/tasks", "/models/mini-2", "/languages", "/tradeoff"])
def test_tags(idle: TestClient, path: str) -> None:
    identity = {"Accept-Encoding": "identity"}
    first = idle.get(V1 + path, headers=identity)
    tag = first.headers["etag"]
    assert tag.startswith('"')  # strong
    assert first.headers["cache-control"] == "no-cache"
    for sent in (tag, f'"other", {tag}', "*", f"W/{tag}"):
        again = idle.get(V1 + path, headers={**identity, "If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert idle.get(V1 + path, headers={**identity, "If-None-Match": '"other"'}).status_code == 200


def test_compressed_bytes_have_a_tag_of_their_own(idle: TestClient) -> None:
    plain = idle.get(V1 + "/languages", headers={"Accept-Encoding": "identity"})
    packed = idle.get(V1 + "/languages", headers={"Accept-Encoding": "gzip"})
    assert plain.json() == packed.json()
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["etag"] != packed.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    crossed = idle.get(V1 + "/languages", headers={"Accept-Encoding": "gzip", "If-None-Match": plain.headers["etag"]})
    assert crossed.status_code == 200
    with idle.stream("GET", V1 + "/languages", headers={"Accept-Encoding": "gzip"}) as raw:
        body = b"".join(raw.iter_raw())
    assert json.loads(gzip.decompress(body)) == plain.json()
    assert int(packed.headers["content-length"]) == len(body) < len(plain.content)
