"""Encoders that whoever runs this installation has added: folders under a root, and named ids of the hub.

``CROSSLIFT_MODEL_ROOT`` is a folder; every folder in it that holds a ``config.json`` is a model. ``CROSSLIFT_MODELS_ALLOWED``
names ids of the hub, separated by commas; their sizes are read from the ``config.json`` in the hub's cache on this machine.
Both are read once, when the catalogue is built. What cannot be used is kept with the reason, to be said at submission.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.domain.architecture import Architecture, architecture_of
from backend.domain.model.entry import DIRECTORY, Family, Model
from backend.domain.task import Source

CONFIG = "config.json"
_BIGGEST = 1 << 20  # bytes of a configuration; more is none
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_NAME = re.compile(r"[a-z][a-z0-9.-]{1,40}")
_SOURCES = (Source.HUB, Source.FILES)


@dataclass(frozen=True, slots=True)
class Own:
    """``refused``: name → why it cannot be used and what would help."""

    models: tuple[Model, ...]
    refused: Mapping[str, str]


def own(environment: Mapping[str, str], taken: Collection[str]) -> Own:
    """What this environment adds to the catalogue, whose names are ``taken``."""
    models: dict[str, Model] = {}
    refused: dict[str, str] = {}

    def add(name: str, title: str, checkpoint: str, config: Path | str) -> None:
        try:
            if name in taken or name in models:
                raise ValueError(f"the name {name} is taken")
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:60]!r} is no model name: 2 to 41 of a-z, 0-9, point and hyphen, a letter first"
                )
            models[name] = Model(
                name=name, title=title, family=Family.OWN, architecture=read_architecture(config), checkpoint=checkpoint,
                sources=_SOURCES, licence="as its owner says", citation=checkpoint,
            )  # fmt: skip
        except ValueError as error:
            refused[name] = str(error)

    if root := environment.get("CROSSLIFT_MODEL_ROOT"):
        folder = Path(root).expanduser()
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if (path / CONFIG).is_file():
                try:
                    inside(folder, path.name)
                except ValueError as error:
                    refused[named(path.name)] = str(error)
                else:
                    add(named(path.name), path.name, DIRECTORY + path.name, path / CONFIG)
    for id in filter(None, (part.strip() for part in environment.get("CROSSLIFT_MODELS_ALLOWED", "").split(","))):
        if not _HUB_ID.fullmatch(id):
            refused[id[:100]] = "CROSSLIFT_MODELS_ALLOWED holds ids like organisation/model, separated by commas"
            continue
        config = _cached_config(environment, id)
        add(named(id.partition("/")[2]), id, id, config)
    return Own(tuple(models.values()), refused)


def named(text: str) -> str:
    """A folder's or a repository's name as the name of a model."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower())


def inside(root: Path, name: str) -> Path:
    """The folder ``name`` under ``root``, with every link followed.

    Raises:
        ValueError: it leads out of the root, by ``..`` or by a link, or a file in it does; or it is no folder.
    """
    top = root.expanduser().resolve()
    folder = (top / name).resolve()
    if folder == top or not folder.is_relative_to(top):
        raise ValueError(f"the model folder {name[:100]!r} is not inside the model root (CROSSLIFT_MODEL_ROOT)")
    if not folder.is_dir():
        raise ValueError(f"there is no model folder {name[:100]!r} in the model root (CROSSLIFT_MODEL_ROOT)")
    for path in folder.rglob("*"):
        if not path.resolve().is_relative_to(top):
            raise ValueError(f"{path.name} in the model folder {name[:100]!r} leads out of the model root")
    return folder


def read_architecture(config: Path | str) -> Architecture:
    """The shape in a ``config.json``; a text instead of a path says why there is none.

    Raises:
        ValueError: there is none, or it cannot be read, or it is of a kind that is not allowed.
    """
    if isinstance(config, str):
        raise ValueError(config)
    try:
        if config.stat().st_size > _BIGGEST:
            raise ValueError(f"{CONFIG} has more than {_BIGGEST} bytes")
        content = json.loads(config.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{CONFIG} cannot be read: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{CONFIG} must hold an object")
    return architecture_of(content)


def _cached_config(environment: Mapping[str, str], id: str) -> Path | str:
    """The newest configuration of a hub id that lies on this machine, or how to get one."""
    home = Path(environment.get("CROSSLIFT_HOME") or ".crosslift").expanduser().resolve() / "cache" / "hub"
    folders = [home, Path(environment.get("HF_HOME") or home).expanduser()]
    found = [p for f in folders for p in (f / "hub" / f"models--{id.replace('/', '--')}").glob(f"snapshots/*/{CONFIG}")]
    if not found:
        return f"{id} is allowed, but its {CONFIG} is not on this machine; `HF_HOME={home} hf download {id} {CONFIG}` fetches it"
    return max(found, key=lambda p: p.lstat().st_mtime)
