"""Published figures are those of the files that they were read from, row for row; what cannot be right is refused by its place."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from backend.domain.language import LANGUAGES
from backend.literature import figures as module
from backend.literature.differences import differences
from backend.literature.figures import COLUMNS, HERE, Unsound, figures, load, sources

ROOT = Path(__file__).resolve().parents[2]
#: Rows of each file, counted in the originals.
COUNTS = {
    "distilmbert_readme_xnli.csv": 18, "ernie_m_readme_xnli.csv": 272, "fairseq_xlmr_readme.csv": 100,
    "glot500_readme_head_tail.csv": 63, "litmus_tydiqa_english_only.csv": 40, "mbert_xlm_laser_readmes_xnli.csv": 74,
    "mdeberta_readme_xnli.csv": 32, "mgte_modelcard_xtreme_r_avg.csv": 4, "minilm_readme_xnli_mlqa.csv": 108,
    "misc_single_figures.csv": 6, "mmbert_readme_image_xtreme.csv": 54, "mt5_readme_xtreme_avg.csv": 68,
    "phang2020_claims.csv": 5, "rembert_size_ablations_dev.csv": 70, "rembert_tables7_16_xtreme_leaderboard.csv": 80,
    "vu2020_intermediate_transfer_matrices_en.csv": 2706, "xlm_align_readme_xtreme_base.csv": 25,
    "xlmv_masakhaner_per_seed.csv": 252, "xlmv_readme_paper_vs_reproduced.csv": 336, "xlmv_wikiann_per_seed.csv": 1164,
    "xlmv_xquad_per_seed.csv": 264,
}  # fmt: skip
#: Numbers that were looked up in the originals: file, row, target, language, metric, value.
SPOTS = [
    ("rembert_tables7_16_xtreme_leaderboard.csv", "STiLTs (Phang et al. 2020)", "TyDiQA-GoldP", "avg", "f1", 76.0),
    ("rembert_tables7_16_xtreme_leaderboard.csv", "XLM-R Large", "TyDiQA-GoldP", "avg", "f1", 65.1),
    ("mt5_readme_xtreme_avg.csv", "XLM-R", "XNLI", "avg", "accuracy", 79.2),
    ("fairseq_xlmr_readme.csv", "XLM-R XXL (translate-train-all)", "XNLI", "avg", "accuracy", 86.0),
    ("mdeberta_readme_xnli.csv", "mDeBERTa-V3-Base", "XNLI", "avg", "accuracy", 79.8),
    ("xlmv_wikiann_per_seed.csv", "XLM-R base (seed 1, dev)", "WikiANN-NER", "ro", "f1", 72.6),
    ("xlmv_xquad_per_seed.csv", "XLM-R base (seed 1)", "XQuAD", "en", "exact_match", 73.1092),
    ("xlmv_masakhaner_per_seed.csv", "XLM-R base (seed 1, dev)", "MasakhaNER v1", "ha", "f1", 44.5),
    ("phang2020_claims.csv", "XLM-R Large", "XTREME benchmark (test)", "avg", "gain", 5.4),
]
METRIC = {
    "em": "exact_match", "f1 (metric not printed)": "f1", "score x100 (metric not stated in source)": "unstated",
    "task metric (Vu et al.)": "task_metric", "top-10 accuracy": "top_10_accuracy",
}  # fmt: skip


@pytest.fixture(scope="module")
def originals() -> Path:
    """The files that the figures were carried over from: CROSSLIFT_TEST_REFERENCE."""
    folder = Path(os.environ.get("CROSSLIFT_TEST_REFERENCE") or ROOT.parent / "shared" / "reference")
    if not (folder / "SOURCES.md").is_file():
        pytest.skip(f"no original figures at {folder}; name their folder in CROSSLIFT_TEST_REFERENCE")
    return folder


def test_each_file_has_as_many_figures_as_the_original():
    assert Counter(f.file for f in figures()) == COUNTS
    assert sum(s.figures for s in sources()) == sum(COUNTS.values()) == 5741
    assert [f.id for f in figures()] == list(range(1, 5742))


@pytest.mark.parametrize(("file", "row", "target", "language", "metric", "value"), SPOTS)
def test_numbers_that_were_looked_up(file, row, target, language, metric, value):
    (found,) = [
        f for f in figures() if (f.file, f.row, f.target, f.language, f.metric) == (file, row, target, language, metric)
    ]
    assert found.value == value


@pytest.mark.parametrize("file", COUNTS)
def test_every_row_is_that_of_the_original(file, originals):
    with (originals / file).open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    ours = [f for f in figures() if f.file == file]
    long = {language.iso639_3: code for code, language in LANGUAGES.items()}
    assert len(rows) == len(ours)
    for row, f in zip(rows, ours, strict=True):
        parameters = float(row["params_millions"]) if row["params_millions"] else None
        code = long.get(row["language"], row["language"])
        assert (f.row, f.parameters_millions, f.intermediate) == (
            row["system(model)"],
            parameters,
            row["intermediate_task"],
        )
        assert (f.target, f.language) == (row["target_task"], code)
        assert (f.metric, f.value) == (METRIC.get(row["metric"], row["metric"]), float(row["value"]))


def test_every_table_says_where_it_was_read_and_is_small_enough_to_ship():
    for s in sources():
        assert s.url.startswith("https://"), s.table
        assert s.cite, s.table
        assert s.read, s.table
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.suffix in (".csv", ".toml"))
    assert size < 1_000_000


def test_protocol_split_and_seeds_are_told_apart():
    of = {f.row: f for f in figures() if f.file == "xlmv_wikiann_per_seed.csv"}
    assert (of["XLM-R base (seed 3, test)"].seed, of["XLM-R base (seed 3, test)"].split) == (3, "test")
    assert (of["XLM-R base (mean of 5 seeds, dev)"].seed, of["XLM-R base (mean of 5 seeds, dev)"].seeds) == (None, 5)
    rows = {f.row: f.protocol for f in figures() if f.file == "ernie_m_readme_xnli.csv"}
    assert rows["XLM-R Large (zero-shot)"] == "zero-shot"
    assert rows["XLM-R Large (translate-train-all)"] == "translate-train-all"
    assert {f.split for f in figures() if f.file == "rembert_size_ablations_dev.csv"} == {"dev"}


def test_published_gains_are_of_one_table_each():
    by_task = {(g.table, g.task, g.metric): g.gain for g in differences() if g.model and g.task and g.language == "avg"}
    assert by_task["rembert-table-16", "tydiqa", "f1"] == 10.9  # 76.0 − 65.1
    assert by_task["rembert-table-16", "panx", "f1"] == -1.4  # 64.0 − 65.4
    assert by_task["mt5", "xnli", "accuracy"] == 1.2  # 80.4 − 79.2
    printed = {g.intermediate: g.gain for g in differences() if g.table == "phang2020"}
    assert printed == {"squad": 8.2, "mnli": 7.5, "hellaswag": 7.0, "multi-task (all 9)": 8.7, "best per target": 5.4}
    at = {f.id: f for f in figures()}
    assert all(g.baseline_id is None or at[g.id].table is at[g.baseline_id].table for g in differences())


# --- what is refused ---------------------------------------------------------------------------------------------------

GOOD = {
    "table": "mt5", "row": "XLM-R", "model": "xlmr-large", "protocol": "zero-shot", "split": "", "seed": "", "seeds": "",
    "params_millions": "559", "intermediate": "none", "recipe": "none", "target": "XNLI", "task": "xnli", "language": "de",
    "metric": "accuracy", "value": "79.2", "note": "",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    shutil.copy(HERE / "sources.toml", tmp_path)
    (tmp_path / "figures").mkdir()

    def write(*changes, head=COLUMNS):
        with (tmp_path / "figures" / "some.csv").open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(head)
            writer.writerows([{**GOOD, **change}[name] for name in COLUMNS] for change in changes)
        return tmp_path

    return write


def test_a_sound_line_is_read(folder):
    (found,) = load(folder({}))
    assert (found.model, found.task, found.value, found.table.paper, found.line) == (
        "xlmr-large",
        "xnli",
        79.2,
        "mt5",
        2,
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("value", "792", "from 0 to 100"),
        ("value", "seventy", "from 0 to 100"),
        ("value", "nan", "from 0 to 100"),
        ("table", "mt6", "did you mean mt5"),
        ("model", "xlmr-larg", "did you mean xlmr-large"),
        ("task", "xnl", "did you mean xnli"),
        ("metric", "f1", "xnli has accuracy"),
        ("metric", "accuracies", "did you mean accuracy"),
        ("protocol", "zeroshot", "did you mean zero-shot"),
        ("split", "valid", "known are dev, test"),
        ("seed", "one", "a whole number"),
        ("seeds", "-1", "a whole number"),
        ("recipe", "mnlii", "mnlii"),
        ("language", "German", "two or three"),
        ("row", "", "text is required"),
        ("params_millions", "0", "from 0.001"),
    ],
)
def test_what_cannot_be_right_is_refused_by_file_line_column_and_value(folder, column, value, expected):
    with pytest.raises(Unsound) as refused:
        load(folder({"language": "fr"}, {column: value}))
    said = str(refused.value)
    assert said.startswith(f"some.csv, line 3, {column}: ")
    assert expected in said
    assert repr(value) in said or column == "metric"


def test_a_line_twice_a_short_line_and_other_columns_are_refused(folder):
    with pytest.raises(Unsound, match=r"some.csv, line 3: the same table"):
        load(folder({}, {"value": "1"}))
    with pytest.raises(Unsound, match=r"line 1: the columns are"):
        load(folder(head=("value", *COLUMNS[1:])))
    path = folder({}) / "figures" / "some.csv"
    path.write_text(path.read_text() + "mt5,XLM-R\n")
    with pytest.raises(Unsound, match=r"line 3: 2 cells; expected 16"):
        load(path.parents[1])


def test_a_table_of_a_paper_that_is_not_there_is_refused(folder):
    where = folder({})
    (where / "sources.toml").write_text('[tables.x]\npaper="y"\ntitle="t"\nurl="https://x"\nread="r"\n')
    with pytest.raises(module.Unsound, match=r"sources.toml, table x, paper"):
        load(where)
