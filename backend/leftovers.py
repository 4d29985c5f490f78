"""What lies on the disk and nobody needs: found, named with its size and why, and removed by ``crosslift gc``.

Whatever a run that waits, is queued or runs may need is left alone, and so is what was written lately: a worker stores an
artifact a moment before the store names it.
"""

from __future__ import annotations

import fcntl
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem

from backend.errors import Conflict
from backend.settings import Settings
from backend.store import retention
from backend.store.retention import Needed
from backend.store.session import Store

DAY: Final = 86_400.0
YOUNG_SECONDS: Final = DAY  # what is younger is left alone
STOPPED_SECONDS: Final = 14 * DAY  # the last checkpoint of a run that failed is kept this long
COPIES: Final = 2  # of the database from before it was migrated
FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
ASIDE: Final = re.compile(r"\.[0-9a-f]{12,64}-[0-9a-f]{8}")

Kind = Literal["artifact", "unfinished", "work", "download", "copy"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that can go. ``place``: its path, or its address where the artifacts are no folder of this machine."""

    kind: Kind
    place: str
    bytes: int
    why: str


def find(settings: Settings, store: Store, *, now: float | None = None) -> list[Leftover]:
    """Everything that can go, as of now. ``now``: seconds since 1970.

    Raises:
        Conflict: none of the artifacts there is one that this database names: they are another installation's.
    """
    at = time.time() if now is None else now
    with store.read() as session:
        needed = retention.needed(session)
    return [
        *_artifacts(settings.artifact_root, needed, at),
        *_work(settings.root / "work", needed, at),
        *_downloads(settings.root / "cache" / "artifacts", needed, at),
        *_copies(store),
    ]


def remove(settings: Settings, store: Store, found: list[Leftover], *, now: float | None = None) -> list[Leftover]:
    """Remove what was found, as far as nobody has come to need it meanwhile. Returns what is gone."""
    gone = []
    for each in found:
        if each.kind in ("artifact", "unfinished"):
            removed = _remove_artifact(settings, store, each)
        else:
            removed = each in find_again(settings, store, each, now) and _remove_path(Path(each.place))
        if removed:
            gone.append(each)
    return gone


def find_again(settings: Settings, store: Store, each: Leftover, now: float | None) -> list[Leftover]:
    """What of one kind can go by now."""
    at = time.time() if now is None else now
    with store.read() as session:
        needed = retention.needed(session)
    match each.kind:
        case "work":
            return list(_work(settings.root / "work", needed, at))
        case "download":
            return list(_downloads(settings.root / "cache" / "artifacts", needed, at))
        case _:
            return list(_copies(store))


# --- artifacts --------------------------------------------------------------------------------------------------------


def _artifacts(root: str, needed: Needed, at: float) -> Iterator[Leftover]:
    fs, base = fsspec.core.url_to_fs(root)
    base = str(base).rstrip("/")
    local = isinstance(fs, LocalFileSystem)
    if not fs.exists(base):
        return
    there: list[tuple[str, str]] = []  # fingerprint, place
    for shelf in _folders(fs, base):
        if not re.fullmatch("[0-9a-f]{2}", shelf.rpartition("/")[2]):
            continue
        for place in _folders(fs, shelf):
            name = place.rpartition("/")[2]
            if FINGERPRINT.fullmatch(name):
                there += [(name, each) for each in ([place] if local else _folders(fs, place))]
            elif local and ASIDE.fullmatch(name) and at - _changed(Path(place)) > YOUNG_SECONDS:
                yield Leftover(
                    "unfinished", place, _size(Path(place)), "left by a worker that was killed while it stored it"
                )
    unnamed = [(f, p) for f, p in there if not _names(needed, f, p, local) and f not in needed.live]
    if there and len(unnamed) == len(there) and len(there) > 1 and not needed.live:
        raise Conflict(
            f"None of the {len(there)} artifacts at {root} is named by this database: they are another installation's, or the "
            "database is. Check CROSSLIFT_ARTIFACTS and CROSSLIFT_DATABASE_URL."
        )
    for _, place in unnamed:
        size, changed = (_size(Path(place)), _changed(Path(place))) if local else _elsewhere(fs, place)
        if at - changed > YOUNG_SECONDS:
            yield Leftover("artifact", place, size, "no run names it")


def _names(needed: Needed, fingerprint: str, place: str, local: bool) -> bool:
    """Whether a run names this artifact: by its fingerprint where that has one place, else by its address."""
    address = needed.named.get(fingerprint)
    return address is not None and (local or address.endswith("/".join(place.split("/")[-3:])))


def _folders(fs: Any, place: str) -> list[str]:
    return sorted(str(e["name"]).rstrip("/") for e in fs.ls(place, detail=True) if e["type"] == "directory")


def _elsewhere(fs: Any, place: str) -> tuple[int, float]:
    """Size and time of the last change of a folder that is not on this machine; now where that is not known."""
    size, changed = 0, 0.0
    for entry in fs.find(place, detail=True).values():
        size += int(entry.get("size") or 0)
        stamp = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
        changed = max(changed, stamp.timestamp() if hasattr(stamp, "timestamp") else float(stamp or time.time()))
    return size, changed


def _remove_artifact(settings: Settings, store: Store, each: Leftover) -> bool:
    """Move it aside, look again whether somebody has come to need it, and put it back or remove it."""
    fs, _ = fsspec.core.url_to_fs(settings.artifact_root)
    if each.kind == "unfinished":
        return _remove_path(Path(each.place))
    fingerprint = next(part for part in reversed(each.place.split("/")) if FINGERPRINT.fullmatch(part))
    local = isinstance(fs, LocalFileSystem)
    if not local:
        if not _wanted(store, fingerprint, each.place, local):
            fs.rm(each.place, recursive=True)
            return True
        return False
    place = Path(each.place)
    aside = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        place.rename(aside)
    except FileNotFoundError:
        return False
    if _wanted(store, fingerprint, each.place, local):
        aside.rename(place)
        return False
    return _remove_path(aside)


def _wanted(store: Store, fingerprint: str, place: str, local: bool) -> bool:
    with store.read() as session:
        needed = retention.needed(session)
    return fingerprint in needed.live or _names(needed, fingerprint, place, local)


# --- this machine -----------------------------------------------------------------------------------------------------


def _work(folder: Path, needed: Needed, at: float) -> Iterator[Leftover]:
    """Checkpoints and attempts of runs that are over. A folder has the first twenty digits of a fingerprint as its name."""
    live = {fingerprint[:20] for fingerprint in needed.live}
    stopped = {fingerprint[:20] for fingerprint in needed.stopped}
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not place.is_dir() or place.is_symlink() or place.name in live or not _free(place / "state"):
            continue
        keep, why = YOUNG_SECONDS, "its run is over"
        if place.name in stopped:
            keep, why = STOPPED_SECONDS, "its run failed more than two weeks ago"
        if at - _changed(place) > keep:
            yield Leftover("work", str(place), _size(place), why)


def _free(state: Path) -> bool:
    """Whether no process of this machine works in a run's folder: one that does holds its lock."""
    try:
        with (state / ".lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _downloads(folder: Path, needed: Needed, at: float) -> Iterator[Leftover]:
    """Copies of artifacts that lie elsewhere."""
    for place in sorted(folder.glob("??/*")) if folder.is_dir() else ():
        if (
            FINGERPRINT.fullmatch(place.name)
            and place.name not in needed.inputs
            and at - _changed(place) > YOUNG_SECONDS
        ):
            yield Leftover(
                "download", str(place), _size(place), "a copy of what lies elsewhere, which nothing that waits needs"
            )


def _copies(store: Store) -> Iterator[Leftover]:
    """Copies of the database from before it was migrated, but for the newest."""
    if store.url.get_backend_name() != "sqlite":
        return
    path = Path(str(store.url.database))
    copies = sorted(path.parent.glob(f"{path.name}.before-*"))
    for place in copies[:-COPIES]:
        yield Leftover(
            "copy", str(place), place.stat().st_size, f"older than the newest {COPIES} from before a migration"
        )


def _remove_path(place: Path) -> bool:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
    return not place.exists()


def _size(place: Path) -> int:
    return (
        sum(p.lstat().st_size for p in place.rglob("*") if not p.is_dir()) if place.is_dir() else place.lstat().st_size
    )


def _changed(place: Path) -> float:
    """When something in a folder was last written."""
    return max((p.lstat().st_mtime for p in (place, *place.rglob("*")) if p.exists()), default=time.time())
