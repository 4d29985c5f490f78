"""Pretrained checkpoints on their way in: from the hub or from a folder under the model root, looked at before they are loaded.

Weights are read as safetensors. A checkpoint that has pickled weights alone is converted once, by torch's reader that builds
tensors and nothing else (``weights_only=True``); the result lies in the cache under the digest of what it was made from.
"""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from backend.domain.model import DIRECTORY, MODELS, inside
from backend.domain.run import ModelSpec, digest
from worker import sentencepieces
from worker.architectures import class_of
from worker.artifacts import file_digest
from worker.sentencepieces import REMEDY

CONVERTER_VERSION = 1  # raise it when the same pickled weights would give other tensors
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
SHARD_BYTES = 4 << 30
_WANTED = ("*.json", "*.txt", "*.model")  # configuration and tokenizer
_NOT_OURS = ("onnx/*", "openvino/*", "original/*")
#: Weights that published checkpoints have beside an encoder, or lack because they are not used.
_UNUSED = ("pooler.",)


@dataclass(frozen=True)
class Found:
    """A checkpoint's folder on this machine and what pins its content: the hub's commit, or a digest of its files."""

    folder: Path
    revision: str


def find(
    model: ModelSpec,
    *,
    root: Path | None,
    cache: Path,
    offline: bool,
    log: Callable[[str], None] = lambda message: None,
) -> Found:
    """The checkpoint of a model, with safetensors weights.

    Raises:
        OSError: it cannot be had, or its files are not what was pinned.
        ValueError: it is not allowed: a folder outside the root, or an id that nobody has allowed.
    """
    name = str(model.checkpoint)
    if name.startswith(DIRECTORY):
        if root is None:
            raise ValueError(f"{name} is a folder under the model root, but none is set (CROSSLIFT_MODEL_ROOT)")
        folder = inside(root, name.removeprefix(DIRECTORY))
        revision = digest({p.name: file_digest(p) for p in sorted(folder.iterdir()) if p.is_file()})
        if model.revision is not None and revision != model.revision:
            raise OSError(f"{name} has changed: its files have the digest {revision}, not {model.revision} as pinned")
    else:
        if name not in {m.checkpoint for m in MODELS.values()}:
            raise ValueError(f"{name} is not allowed; an administrator adds it to CROSSLIFT_MODELS_ALLOWED")
        folder = _from_hub(name, model.revision, offline=offline)
        revision = folder.name
    if not any(folder.glob("*.safetensors")):
        folder = converted(folder, cache / "converted", log)
    return Found(folder, revision)


def _from_hub(name: str, revision: str | None, *, offline: bool) -> Path:
    """The folder of a snapshot, named by its commit; of weights only what is needed, safetensors where there are any."""
    from huggingface_hub import HfApi, snapshot_download

    wanted = revision or "main"
    try:
        if offline:
            return Path(snapshot_download(name, revision=wanted, local_files_only=True))
        info = HfApi().model_info(name, revision=wanted)
        files = [s.rfilename for s in info.siblings or ()]
        patterns = [*_WANTED, *weights_among(files)]
        return Path(
            snapshot_download(name, revision=info.sha, allow_patterns=patterns, ignore_patterns=list(_NOT_OURS))
        )
    except Exception as error:  # the library has a dozen kinds, and some of them name no model
        where = "on this machine (offline)" if offline else "on the hub"
        raise OSError(f"{name} ({wanted}) cannot be had {where}: {error}") from error


def weights_among(files: Iterable[str]) -> list[str]:
    """Which of a repository's files hold the weights: safetensors, else what can be converted.

    Raises:
        OSError: none does.
    """
    top = [f for f in files if "/" not in f]
    safe = [f for f in top if f.startswith("model") and f.endswith((".safetensors", ".safetensors.index.json"))]
    pickled = [f for f in top if f.startswith("pytorch_model") and f.endswith((".bin", ".bin.index.json"))]
    pickled = [f for f in pickled if f in (PICKLED, f"{PICKLED}.index.json") or "-of-" in f]
    if not safe and not pickled:
        raise OSError(f"it has neither safetensors nor {PICKLED}; its files: {', '.join(sorted(top)[:20])}")
    return safe or pickled


def load(found: Found, name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Its encoder in fp32, without pooler or decoder, and its tokenizer.

    Raises:
        OSError: something is missing or cannot be read, also single weights; ValueError: an architecture that is not allowed.
    """
    try:
        kind = json.loads((found.folder / "config.json").read_text()).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise OSError(f"{name} has no config.json that can be read: {error}") from error
    try:
        class_of(str(kind))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    module = module_from(found.folder, name)
    tokenizer = tokenizer_from(found.folder, name, int(getattr(module.config, "type_vocab_size", 0)), str(kind))
    entries = cast(torch.nn.Embedding, module.get_input_embeddings()).num_embeddings
    if len(tokenizer) > entries:
        raise OSError(f"{name} has a tokenizer of {len(tokenizer)} entries and an encoder that knows {entries} of them")
    return module, tokenizer


def module_from(folder: Path, name: str) -> PreTrainedModel:
    """The encoder in a folder that has safetensors and an allowed architecture.

    Raises:
        OSError: it cannot be read, or holds not all of an encoder's weights: the library would draw the others at random.
    """
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    of = class_of(kind)
    try:
        config = of.config.from_pretrained(folder, local_files_only=True)
        loaded: Any = of.model.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True, dtype=torch.float32,
            output_loading_info=True, **of.options,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:  # the library's own words name no model
        raise OSError(f"{name} cannot be loaded: {error}") from error
    module, info = cast(tuple[PreTrainedModel, dict[str, Any]], loaded)
    absent = sorted(k for k in info["missing_keys"] if not k.startswith(_UNUSED))
    if absent:
        raise OSError(f"{name} lacks {len(absent)} weights of a {kind} encoder, such as {absent[0]}")
    return module


def tokenizer_from(folder: Path, name: str, segments: int, kind: str) -> PreTrainedTokenizerFast:
    """A fast tokenizer: span QA and tagging need the places of sub-words in the text.

    ``segments`` is how many the encoder, which is of this ``kind``, tells apart; with fewer than two it is given none.

    Raises:
        OSError: there is none that can be read, or made.
    """
    tokenizer: Any
    slow = sentencepieces.model_in(folder)
    try:
        if slow is not None:
            tokenizer = sentencepieces.converted(slow, kind)
        else:
            tokenizer = AutoTokenizer.from_pretrained(
                folder, use_fast=True, local_files_only=True, trust_remote_code=False
            )
    except sentencepieces.Unlike as error:
        raise OSError(f"{name} has no tokenizer.json, and none can be made: {error}. {REMEDY}") from error
    except Exception as error:  # the library has a dozen kinds
        raise OSError(f"{name}: no tokenizer can be loaded ({error}). It needs a tokenizer.json: {REMEDY}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise OSError(f"{name} has no fast tokenizer (tokenizer.json): {REMEDY}")
    if tokenizer.pad_token_id is None:
        raise OSError(f"{name} has a tokenizer without a padding token")
    # Written anew, so that a child's artifact is read back as the same tokenizer whatever class its checkpoint named.
    inputs = [n for n in tokenizer.model_input_names if n != "token_type_ids" or segments > 1]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        model_input_names=inputs,
        clean_up_tokenization_spaces=False,
        **{role: str(token) for role, token in tokenizer.special_tokens_map.items()},
    )


# --- pickled weights --------------------------------------------------------------------------------------------------


def converted(folder: Path, cache: Path, log: Callable[[str], None]) -> Path:
    """A folder with the same checkpoint as safetensors, made at first use.

    Raises:
        OSError: there are no pickled weights, or they hold something else than tensors. Nothing of it was executed.
    """
    files = _pickled(folder)
    key = digest([CONVERTER_VERSION, {p.name: file_digest(p) for p in (*files, *_others(folder))}])
    final = cache / key
    if final.is_dir():
        return final
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
    try:
        for path in _others(folder):
            shutil.copyfile(path, making / path.name)
        _write_shards(making, _tensors(files))
        log(f"weights of {folder.name} were pickled; converted once into {key[:12]}")
        try:
            making.rename(final)
        except OSError:  # another run was first; the content is the same
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return final


def _pickled(folder: Path) -> list[Path]:
    index = folder / f"{PICKLED}.index.json"
    if (folder / PICKLED).is_file():
        return [folder / PICKLED]
    if not index.is_file():
        raise OSError(f"{folder.name} has neither safetensors nor {PICKLED}")
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OSError(f"{index.name} cannot be read: {error}") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
            raise OSError(f"{index.name} names {str(name)[:100]!r}, which is no file beside it")
    return [folder / name for name in names]


def _others(folder: Path) -> list[Path]:
    """Configuration and tokenizer."""
    return sorted(
        p for pattern in _WANTED for p in folder.glob(pattern) if p.is_file() and not p.name.endswith(".index.json")
    )


def _tensors(files: Iterable[Path]) -> Iterator[tuple[str, torch.Tensor]]:
    for path in files:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise OSError(f"{path.name} holds something else than tensors and was not loaded: {first}") from error
        if not isinstance(content, dict):
            raise OSError(f"{path.name} holds a {type(content).__name__} instead of named tensors")
        for name, tensor in content.items():
            if isinstance(name, str) and isinstance(tensor, torch.Tensor):
                yield name, tensor


def _is_zip(path: Path) -> bool:
    """Torch's format since 1.6, which can be read piece by piece."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _write_shards(folder: Path, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
    """At most SHARD_BYTES are held in memory at a time. Of tensors that share their memory every name is kept."""
    shard: dict[str, torch.Tensor] = {}
    placed: dict[str, str] = {}
    size = parts = 0

    def flush() -> None:
        nonlocal size, parts
        name = f"model-{parts:05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        placed.update(dict.fromkeys(shard, name))
        shard.clear()
        size, parts = 0, parts + 1

    for name, tensor in tensors:
        own = tensor.detach().clone(memory_format=torch.contiguous_format)
        if shard and size + own.nbytes > SHARD_BYTES:
            flush()
        shard[name] = own
        size += own.nbytes
    flush()
    if parts == 1:
        (folder / "model-00000.safetensors").rename(folder / SAFE)
    else:
        (folder / f"{SAFE}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))
