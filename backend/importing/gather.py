"""Files on this machine to what the API is asked: which of a folder are results, of which format, and predictions scored here."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.domain.imports import MOST_FILES, ImportFile, ImportFormat
from backend.importing import jiant, parquet, trainer
from backend.importing.xtreme import digest
from backend.submission.benchmarks import Benchmark
from backend.submission.score import score

LARGEST = 700_000  # bytes of all files together: in base64 they must fit into one request
TABLES = (".csv", ".parquet")


class NotGathered(Exception):
    """What was named cannot be sent; the message says why."""


def guess(path: Path) -> ImportFormat:
    """The format of a file or folder, by its names.

    Raises:
        NotGathered: nothing in it is a result file.
    """
    names = [p.name for p in _files(path)]
    if any(Path(n).suffix in TABLES for n in names):
        return "long"
    if jiant.METRICS_FILE in names:
        return "jiant"
    if any(trainer.is_one(n) for n in names):
        return "trainer"
    raise NotGathered(
        f"{path}: holds no result file; accepted are tables ({', '.join(TABLES)}), {jiant.METRICS_FILE}, "
        f"{', '.join(f'{n}.json' for n in trainer.FILES)}, and with --labels a folder of predictions"
    )


def gather(path: Path, format: ImportFormat) -> list[ImportFile]:
    """The result files of one format in a folder, or one file.

    Raises:
        NotGathered: there are none, too many, or they are too large.
    """
    wanted: dict[ImportFormat, Callable[[str], bool]] = {
        "long": lambda n: Path(n).suffix in TABLES,
        "jiant": lambda n: n in (jiant.METRICS_FILE, jiant.ARGUMENTS),
        "trainer": trainer.is_one,
        "xtreme": lambda n: n.endswith(".json"),
    }
    found = [path] if path.is_file() else [p for p in _files(path) if wanted[format](p.name)]
    if not found:
        raise NotGathered(f"{path}: holds no file of the format {format}")
    if len(found) > MOST_FILES:
        raise NotGathered(f"{path}: {len(found):,} result files; at most {MOST_FILES} are accepted at a time")
    root = path.parent if path.is_file() else path
    contents = [(p.relative_to(root).as_posix(), p.read_bytes()) for p in found]
    size = sum(len(content) for _, content in contents)
    if size > LARGEST:
        more = "; Parquet is smaller" if format == "long" and not contents[0][1].startswith(parquet.MARK) else ""
        raise NotGathered(f"{path}: {size:,} bytes; at most {LARGEST:,} are accepted at a time{more}")
    return [ImportFile(name=name, content=base64.b64encode(content).decode()) for name, content in contents]


def scored(predictions: Path, labels: Path, benchmark: Benchmark) -> tuple[list[ImportFile], Sequence[str]]:
    """The report of a folder of predictions, scored here, with the digests of both folders in it; and what there is to know.

    Raises:
        NotGathered: there are problems: each is a number that would be missing or wrong.
        NotADirectoryError: one of the two is no folder.
    """
    report = score(predictions, labels, benchmark)
    if report.problems:
        raise NotGathered("The predictions could not be scored whole:\n" + "\n".join(report.problems))
    whole = report.as_json() | {
        "benchmark": benchmark.name,
        "predictions_sha256": digest(predictions),
        "labels_sha256": digest(labels),
    }
    content = json.dumps(whole, sort_keys=True).encode()
    return [ImportFile(name="scores.json", content=base64.b64encode(content).decode())], report.notes


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise NotGathered(f"{path}: there is no such file or folder")
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
