"""What is let in: folders under the root, ids that are allowed, architectures that are known, tensors and nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from backend.domain.model.own import own
from backend.domain.run import ModelSpec
from worker import encoder as encoders
from worker import pretrained
from worker.encoder import Encoder

_spec = importlib.util.spec_from_file_location("miniatures", Path(__file__).parent / "miniatures.py")
assert _spec is not None
assert _spec.loader is not None
miniatures = sys.modules.get("miniatures") or importlib.util.module_from_spec(_spec)
if "miniatures" not in sys.modules:
    sys.modules["miniatures"] = miniatures
    _spec.loader.exec_module(miniatures)


def load(root: Path | None, name: str, tmp_path: Path, log: list[str] | None = None) -> Encoder:
    spec = ModelSpec(checkpoint=name, revision=None, architecture=None)
    lines: list[str] = [] if log is None else log
    return encoders.load_pretrained(spec, root=root, cache=tmp_path / "cache", offline=True, log=lines.append)


@pytest.mark.parametrize("kind", ["bert", "mt5"])
def test_pickled_weights_are_converted_once(kind: str, tmp_path: Path) -> None:
    root = tmp_path / "models"
    miniatures.write(kind, root / "safe")
    miniatures.write(kind, root / "pickled", pickled=True)
    log: list[str] = []
    found, again = (load(root, "dir:pickled", tmp_path, log) for _ in range(2))
    assert len(log) == 1
    wanted = load(root, "dir:safe", tmp_path)
    for made in (found, again):
        assert all(torch.equal(a, b) for a, b in zip(made.module.parameters(), wanted.module.parameters(), strict=True))
    assert [p.suffix for p in (tmp_path / "cache" / "converted").rglob("model*")] == [".safetensors"]
    assert not list((root / "pickled").glob("*.safetensors"))


def in_shards(folder: Path) -> None:
    """Pickled weights as large checkpoints have them: in parts, with an index."""
    whole = torch.load(folder / "pytorch_model.bin", weights_only=True)
    (folder / "pytorch_model.bin").unlink()
    names = sorted(whole)
    placed = {}
    for part in range(3):
        file = f"pytorch_model-{part + 1:05d}-of-00003.bin"
        torch.save({n: whole[n] for n in names[part::3]}, folder / file)
        placed |= dict.fromkeys(names[part::3], file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))


def test_shards_are_converted_into_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "models"
    miniatures.write("bert", root / "safe")
    miniatures.write("bert", root / "parts", pickled=True)
    in_shards(root / "parts")
    monkeypatch.setattr(pretrained, "SHARD_BYTES", 20_000)
    found, wanted = load(root, "dir:parts", tmp_path), load(root, "dir:safe", tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(found.module.parameters(), wanted.module.parameters(), strict=True))
    assert len(list((tmp_path / "cache" / "converted").rglob("model-*.safetensors"))) > 1
    (root / "parts" / "pytorch_model-00002-of-00003.bin").unlink()
    with pytest.raises(OSError, match="00002-of-00003"):
        load(root, "dir:parts", tmp_path)


@pytest.mark.parametrize("pickled", [False, True])
def test_a_snapshot_in_the_hubs_layout_is_read_at_its_commit(
    pickled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, commit = "google-bert/bert-base-multilingual-cased", "c" * 40
    hub = tmp_path / "hub"
    kept = hub / f"models--{name.replace('/', '--')}"
    miniatures.write("bert", kept / "snapshots" / commit, pickled=pickled)
    if pickled:
        in_shards(kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    found = load(None, name, tmp_path)
    assert found.revision == commit
    assert found.parameters == miniatures.SHAPES["bert"].parameters
    other = ModelSpec(checkpoint=name, revision="d" * 40, architecture=None)
    with pytest.raises(OSError, match=r"\(d{40}\) cannot be had on this machine \(offline\)"):
        encoders.load_pretrained(other, root=None, cache=tmp_path / "cache", offline=True)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("plain", [True, False], ids=["plain pickle", "torch's format"])
def test_a_malicious_pickle_is_not_executed(plain: bool, tmp_path: Path) -> None:
    root, sprung = tmp_path / "models", tmp_path / "sprung"
    miniatures.write("bert", root / "trap", pickled=True)
    weights = root / "trap" / "pytorch_model.bin"
    if plain:
        weights.write_bytes(pickle.dumps({"x": Trap(sprung)}, protocol=2))
    else:
        torch.save({"x": Trap(sprung)}, weights)
    with pytest.raises(OSError, match=r"pytorch_model.bin holds something else than tensors and was not loaded"):
        load(root, "dir:trap", tmp_path)
    assert not sprung.exists()
    torch.load(weights, weights_only=False) if not plain else pickle.loads(weights.read_bytes())
    assert sprung.exists()  # the trap would have worked


@pytest.mark.parametrize("name", ["../outside", "link", ".", "missing"])
def test_only_folders_under_the_root_are_read(name: str, tmp_path: Path) -> None:
    root = tmp_path / "models"
    root.mkdir()
    miniatures.write("bert", tmp_path / "outside")
    (root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="CROSSLIFT_MODEL_ROOT"):
        load(root, f"dir:{name}", tmp_path)
    with pytest.raises(ValueError, match="none is set"):
        load(None, f"dir:{name}", tmp_path)


def test_other_ids_and_architectures_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "models"
    with pytest.raises(ValueError, match=r"nobody/allowed is not allowed.*CROSSLIFT_MODELS_ALLOWED"):
        load(root, "nobody/allowed", tmp_path)
    with pytest.raises(OSError, match="FacebookAI/xlm-roberta-base"):  # allowed, but not on this machine
        load(root, "FacebookAI/xlm-roberta-base", tmp_path)
    miniatures.write("bert", root / "other")
    miniatures.change_config(root / "other", model_type="gpt2", auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(ValueError, match="'gpt2' is not an allowed architecture"):
        load(root, "dir:other", tmp_path)


def test_missing_weights_are_not_drawn_at_random(tmp_path: Path) -> None:
    root = tmp_path / "models"
    miniatures.write("bert", root / "short")
    miniatures.change_config(root / "short", num_hidden_layers=3)
    with pytest.raises(OSError, match=r"dir:short lacks 16 weights of a bert encoder"):
        load(root, "dir:short", tmp_path)


def test_own_models_are_entries_with_their_sizes_or_refused_with_a_reason(tmp_path: Path) -> None:
    root = tmp_path / "models"
    miniatures.write("mt5", root / "Our mT5")
    miniatures.write("bert", root / "other")
    miniatures.change_config(root / "other", model_type="gpt2")
    config = tmp_path / "hf" / "hub" / "models--lab--glot" / "snapshots" / ("a" * 40)
    config.mkdir(parents=True)
    (config / "config.json").write_bytes((root / "Our mT5" / "config.json").read_bytes())
    found = own(
        {
            "CROSSLIFT_MODEL_ROOT": str(root), "HF_HOME": str(tmp_path / "hf"), "CROSSLIFT_HOME": str(tmp_path),
            "CROSSLIFT_MODELS_ALLOWED": "lab/glot, lab/absent,no id",
        },
        taken=(),
    )  # fmt: skip
    assert [(m.name, m.checkpoint) for m in found.models] == [("our-mt5", "dir:Our mT5"), ("glot", "lab/glot")]
    assert {m.architecture for m in found.models} == {miniatures.SHAPES["mt5"]}
    assert set(found.refused) == {"other", "absent", "no id"}
    assert "gpt2" in found.refused["other"]
    assert "hf download lab/absent config.json" in found.refused["absent"]
