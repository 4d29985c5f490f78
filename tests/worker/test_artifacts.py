"""Artifacts: stored once, whole or not at all, and never read when they are not what was stored."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.artifacts import MANIFEST, Artifacts, BadArtifact, manifest_of, verify

FINGERPRINT = "ab" + "0123456789abcdef" * 3 + "00112233445566"
FILES = {"model.safetensors": b"weights" * 1000, "tokenizer/vocab.txt": "Grüße\n".encode(), "empty": b""}


def filled(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(params=["file", "memory"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    root = f"file://{tmp_path}/with space/root" if request.param == "file" else f"memory://{uuid.uuid4().hex}/root"
    return Artifacts(root, tmp_path / "cache")


def again(artifacts: Artifacts, tmp_path: Path) -> Artifacts:
    """The same root as another process sees it."""
    return Artifacts(str(artifacts.fs.unstrip_protocol(artifacts.base)), tmp_path / "another-cache")


def stored(artifacts: Artifacts, uri: str) -> dict[str, bytes]:
    fs, place = fsspec.core.url_to_fs(uri)
    return {path.removeprefix(f"{place}/"): fs.cat_file(path) for path in fs.find(place)}


def test_what_is_published_is_fetched(artifacts: Artifacts, tmp_path: Path) -> None:
    published = artifacts.publish(filled(tmp_path / "out"), FINGERPRINT)

    assert f"/ab/{FINGERPRINT}" in published.uri
    assert published.bytes == sum(map(len, FILES.values()))
    folder = again(artifacts, tmp_path).fetch(published.uri)
    assert {n: (folder / n).read_bytes() for n in FILES} == FILES
    assert verify(folder)[1] == published.digest
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest) == set(FILES)
    assert manifest["empty"] == {
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bytes": 0,
    }


def test_a_file_system_root_is_one_folder_and_is_not_copied_on_fetch(tmp_path: Path) -> None:
    artifacts = Artifacts(f"file://{tmp_path}/root", tmp_path / "cache")
    out = filled(tmp_path / "out")
    inode = (out / "model.safetensors").stat().st_ino
    published = artifacts.publish(out, FINGERPRINT)

    target = tmp_path / "root" / "ab" / FINGERPRINT
    assert published.uri == f"file://{target}"
    assert artifacts.fetch(published.uri) == target
    assert (target / "model.safetensors").stat().st_ino == inode  # moved
    assert not out.exists()
    assert [p.name for p in target.parent.iterdir()] == [FINGERPRINT]
    assert (target / "model.safetensors").stat().st_mode & 0o222 == 0


def test_publishing_the_same_again_keeps_the_first(artifacts: Artifacts, tmp_path: Path) -> None:
    first = artifacts.publish(filled(tmp_path / "one"), FINGERPRINT)
    second = again(artifacts, tmp_path).publish(filled(tmp_path / "two"), FINGERPRINT)
    assert first == second


def test_one_that_is_not_whole_is_replaced(tmp_path: Path) -> None:
    artifacts = Artifacts(f"file://{tmp_path}/root", tmp_path / "cache")
    published = artifacts.publish(filled(tmp_path / "one"), FINGERPRINT)
    target = tmp_path / "root" / "ab" / FINGERPRINT
    (target / "model.safetensors").unlink()

    assert artifacts.publish(filled(tmp_path / "two"), FINGERPRINT) == published
    assert again(artifacts, tmp_path).fetch(published.uri) == target
    assert [p.name for p in target.parent.iterdir()] == [FINGERPRINT]


def test_two_uploads_that_differ_do_not_mix(tmp_path: Path) -> None:
    artifacts = Artifacts(f"memory://{uuid.uuid4().hex}", tmp_path / "cache")
    one = artifacts.publish(filled(tmp_path / "one"), FINGERPRINT)
    two = artifacts.publish(filled(tmp_path / "two", {**FILES, "model.safetensors": b"WEIGHTS" * 1000}), FINGERPRINT)
    assert one.uri != two.uri
    assert (artifacts.fetch(one.uri) / "model.safetensors").read_bytes()[:7] == b"weights"
    assert (artifacts.fetch(two.uri) / "model.safetensors").read_bytes()[:7] == b"WEIGHTS"


def test_many_at_once_leave_one(tmp_path: Path) -> None:
    artifacts = Artifacts(f"file://{tmp_path}/root", tmp_path / "cache")
    outs = [filled(tmp_path / f"out{i}") for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        published = set(pool.map(lambda out: artifacts.publish(out, FINGERPRINT), outs))
    assert len(published) == 1
    assert [p.name for p in (tmp_path / "root" / "ab").iterdir()] == [FINGERPRINT]


@pytest.mark.parametrize("damage", ["content", "size", "missing", "manifest gone", "manifest changed"])
def test_a_damaged_artifact_is_not_given_out(artifacts: Artifacts, tmp_path: Path, damage: str) -> None:
    uri = artifacts.publish(filled(tmp_path / "out"), FINGERPRINT).uri
    fs, place = fsspec.core.url_to_fs(uri)
    content = FILES["model.safetensors"]
    if damage == "missing":
        fs.rm_file(f"{place}/model.safetensors")
    elif damage == "manifest gone":
        fs.rm_file(f"{place}/{MANIFEST}")
    else:
        name = MANIFEST if damage == "manifest changed" else "model.safetensors"
        if artifacts.local:
            Path(f"{place}/{name}").chmod(0o644)
        changed = {
            "content": b"W" + content[1:],
            "size": content[:-1],
            "manifest changed": b'{"../../escape": {"sha256": "", "bytes": 0}}',
        }[damage]
        fs.pipe_file(f"{place}/{name}", changed)
    with pytest.raises(BadArtifact):
        again(artifacts, tmp_path).fetch(uri)
    assert not list((tmp_path / "another-cache").rglob("*.*"))
    assert not (tmp_path / "escape").exists()


def test_content_is_read_once_and_sizes_each_time(tmp_path: Path) -> None:
    artifacts = Artifacts(f"file://{tmp_path}/root", tmp_path / "cache")
    folder = artifacts.fetch(artifacts.publish(filled(tmp_path / "out"), FINGERPRINT).uri)
    file = folder / "model.safetensors"
    file.chmod(0o644)
    file.write_bytes(b"W" + FILES["model.safetensors"][1:])
    assert artifacts.fetch(f"file://{folder}") == folder  # same size: this process has read it already
    file.write_bytes(b"short")
    with pytest.raises(BadArtifact, match="is not what was stored"):
        artifacts.fetch(f"file://{folder}")


def test_a_root_that_was_moved_still_serves_old_addresses(tmp_path: Path) -> None:
    uri = Artifacts(f"file://{tmp_path}/old", tmp_path / "cache").publish(filled(tmp_path / "out"), FINGERPRINT).uri
    (tmp_path / "old").rename(tmp_path / "new")
    found = Artifacts(f"file://{tmp_path}/new", tmp_path / "cache").fetch(uri)
    assert found == tmp_path / "new" / "ab" / FINGERPRINT


@pytest.mark.parametrize("fingerprint", ["", "ab", "../" + FINGERPRINT[3:], FINGERPRINT.upper(), FINGERPRINT + "\n"])
def test_only_a_fingerprint_names_an_artifact(artifacts: Artifacts, tmp_path: Path, fingerprint: str) -> None:
    with pytest.raises(ValueError, match="not a fingerprint"):
        artifacts.publish(filled(tmp_path / "out"), fingerprint)


@given(st.text(max_size=80))
def test_no_text_is_an_address_by_accident(text: str) -> None:
    with pytest.raises(BadArtifact):
        Artifacts("memory://anything", Path("/nonexistent")).fetch(text)


@pytest.mark.parametrize(
    "uri", [f"file:///tmp/../etc/ab/{FINGERPRINT}", f"file:///tmp/cd/{FINGERPRINT}", "file:///etc/passwd"]
)
def test_an_address_names_a_place_of_an_artifact(tmp_path: Path, uri: str) -> None:
    with pytest.raises(BadArtifact, match="not the address"):
        Artifacts(f"file://{tmp_path}", tmp_path / "cache").fetch(uri)


def test_only_plain_files_are_stored(artifacts: Artifacts, tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    (out / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadArtifact, match="not a plain file"):
        artifacts.publish(out, FINGERPRINT)
    (out / "link").unlink()
    (out / "odd\nname").write_bytes(b"")
    with pytest.raises(BadArtifact, match="has the name"):
        manifest_of(out)


def test_nothing_is_no_artifact(artifacts: Artifacts, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BadArtifact, match="without files"):
        artifacts.publish(tmp_path / "out", FINGERPRINT)


def test_nothing_counts_before_the_manifest_is_there(tmp_path: Path) -> None:
    artifacts = Artifacts(f"memory://{uuid.uuid4().hex}", tmp_path / "cache")
    published = artifacts.publish(filled(tmp_path / "out"), FINGERPRINT)
    fs, place = fsspec.core.url_to_fs(published.uri)
    fs.rm_file(f"{place}/{MANIFEST}")  # as if the upload had stopped just before its end
    with pytest.raises(BadArtifact, match="no artifact"):
        artifacts.fetch(published.uri)
    assert artifacts.publish(filled(tmp_path / "out"), FINGERPRINT) == published
    assert artifacts.fetch(published.uri).is_dir()
    assert set(stored(artifacts, published.uri)) == {*FILES, MANIFEST}
