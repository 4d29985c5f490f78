"""Training rows in other languages: what translations there are of an English task, and how their files are read.

**Published.** XTREME's own (Hu et al. 2020, *TRANSLATE-TRAIN*; the bucket ``xtreme_translations``, laid out as ``XNLI/translate-train``,
``PAWSX/…``, ``SQuAD/…``, ``TyDiQA-GoldP/…``), XNLI's (Conneau et al. 2018, ``XNLI-MT-1.0``, also on the hub) and PAWS-X's
(Yang et al. 2019, ``translated_train.tsv``, also on the hub). Where XTREME's and a data set's own lie side by side, XTREME's are taken.

**One's own.** Under the data root, ``translations/<task>/train-<language>.jsonl``: a JSON object a line, with the columns of the
task's data set on the hub. Of a task of SQuAD's kind ``train-<language>.json`` in SQuAD's JSON will do as well.
So with the source ``files`` every task that is trained on may have translations; whether it has shows when a run reads it.

**Mini.** The mini world says its rows in any of its languages (``mini.translated``): translations without a mistake.

Machine translation loses words and labels; none is checked here beyond what every row is checked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from backend.domain import mini
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.layouts import Rows, jsonl, squad_json, tsv
from backend.domain.task import Format, Layout, Source, Split, Task

BUCKET = "xtreme_translations"  # the folder that XTREME's translations come in; it may be left out
OWN = "translations"  # the folder of one's own


# --- what there is ---------------------------------------------------------------------------------------------------


def into(task: Task, source: Source) -> tuple[str, ...]:
    """The languages that a task's own training rows are there in, beside English; of files, those that they may be in."""
    if source is Source.MINI:
        return tuple(code for code in mini.LANGUAGES if code != ENGLISH) if task.mini in mini.TRANSLATED else ()
    if source is Source.FILES:
        return tuple(code for code in LANGUAGES if code != ENGLISH) if task.available_in(source) else ()
    published = task.translations
    return published.languages if published is not None and published.hub is not None else ()


def translated(task: Task) -> Task:
    """The task with its translations in place of its English rows: what reads these."""
    published = task.translations
    folder = f"{OWN}/{task.name}/{{split}}-{{language}}"
    own = [Layout(pattern=f"{folder}.jsonl", rows=jsonl)]
    if task.format is Format.SPAN_QA:
        own.append(Layout(pattern=f"{folder}.json", rows=squad_json))
    files = (*own, *(published.files if published else ()))
    return task.model_copy(update={"files": files, "hub": published.hub if published else None})


def missing(parts: Collection[Task], languages: Collection[str], source: Source) -> list[str]:
    """Those of the languages that one of these tasks has no training rows in."""
    return [c for c in languages if c != ENGLISH and any(c not in into(part, source) for part in parts)]


def refusal(what: str, gone: Collection[str], offered: Mapping[str, Collection[str]]) -> str:
    """In words. ``what`` has no translations into ``gone``; ``offered``: what has any, by name."""
    own = offered.get(what)
    if own:
        return f"{what} has no translations into {', '.join(gone)}; it has them into {', '.join(own)}"
    if not offered:
        return f"{what} has no translations, and nothing else has any in this source"
    same = len({frozenset(codes) for codes in offered.values()}) == 1
    if same:
        those = f"{', '.join(offered)}, into {', '.join(next(iter(offered.values())))}"
    else:
        those = "; ".join(f"{name} into {', '.join(codes)}" for name, codes in offered.items())
    return f"{what} has no translations; those that have: {those}"


# --- how their files are read ----------------------------------------------------------------------------------------


def renamed(rows: Rows, columns: Mapping[str, str], labels: Mapping[str, str]) -> Rows:
    """Rows with other names of columns, and of the values of ``label``."""

    def read(path: Path, language: str) -> Iterator[dict[str, Any]]:
        for row in rows(path, language):
            row = {columns.get(name, name): value for name, value in row.items()}
            row["label"] = labels.get(row["label"], row["label"])
            yield row

    return read


def labelled(rows: Rows, labels: Collection[str]) -> Rows:
    """Rows whose label is one of these: a few of XTREME's translations of PAWS-X have text in the wrong columns."""

    def read(path: Path, language: str) -> Iterator[dict[str, Any]]:
        return (row for row in rows(path, language) if row["label"] in labels)

    return read


def xtreme(folder: str, file: str, rows: Rows) -> Layout:
    """XTREME's translations of a task: ``folder`` and ``file`` as they are in its bucket, ``{language}`` where it varies."""
    name = f"{folder}/translate-train/{file}"
    return Layout(pattern=f"{BUCKET}/{name}", also=(name,), rows=rows)


#: XNLI's translations spell one label otherwise (XTREME utils_preprocess.py puts it right in the same way).
NLI_LABELS = {"contradictory": "contradiction"}

XNLI_PAIRS = renamed(tsv(("english_1", "english_2", "premise", "hypothesis", "label"), quoted=False), {}, NLI_LABELS)
XNLI_MT = renamed(tsv(quoted=False), {"hypo": "hypothesis"}, NLI_LABELS)
PAWSX_PAIRS = labelled(
    tsv(("english_1", "english_2", "sentence1", "sentence2", "label"), quoted=True, skip_short=True), ("0", "1")
)
SPLITS = {Split.TRAIN: "train"}
