"""Files of results to rows: what is read, and what every wrong cell is told."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from backend.domain.imports import ImportFile, ImportRequest
from backend.errors import Invalid
from backend.importing import long
from backend.importing.read import Import, read
from backend.importing.rows import COLUMNS, MOST_ERRORS

HEAD = ",".join(COLUMNS)
GOOD = "xlmr-base,squad,xnli,sw,accuracy,1,64.5,5010,"


def load(format: str, *files: tuple[str, Any], **more: Any) -> Import:
    sent = [ImportFile(name=name, content=base64.b64encode(_bytes(content)).decode()) for name, content in files]
    return read(ImportRequest(format=format, source="a lab", files=sent, **more))


def _bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def refused(format: str, *files: tuple[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Invalid) as error:
        load(format, *files, **more)
    assert error.value.detail.startswith("Nothing was imported")
    return [e.message for e in error.value.errors]


def scores(found: Import) -> set[tuple[Any, ...]]:
    return {(r.model, r.recipe, r.target, r.language, r.metric, r.seed, round(r.value, 6), r.n) for r in found.rows}


# --- tables --------------------------------------------------------------------------------------------------------------


def test_the_example_that_is_offered_can_be_imported():
    found = load("long", ("scores.csv", long.example()))
    assert len(found.rows) == 4
    assert ("xlmr-base", "squad", "xnli", "sw", "accuracy", 0, 65.8, 5010) in scores(found)
    assert found.notes == ()


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent():
    text = "﻿value,model,metric,language,target\r\n50.5,My own model,accuracy,sw,xnli\r\n\r\n"
    (row,) = load("long", ("t.csv", text), settings="theirs").rows
    assert (row.model, row.recipe, row.seed, row.n, row.settings, row.line) == (
        "My own model",
        "none",
        None,
        None,
        "theirs",
        2,
    )


def test_a_parquet_file_gives_the_same_rows():
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pc.read_csv(pa.BufferReader(long.example().encode())), sink)
    assert scores(load("long", ("t.parquet", sink.getvalue()))) == scores(load("long", ("t.csv", long.example())))
    broken = sink.getvalue()[:200]
    (said,) = refused("long", ("t.parquet", broken))
    assert said.startswith("t.parquet: not Parquet that can be read")


def _parquet(**changes: Any) -> bytes:
    """The example, with other columns."""
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    table = pc.read_csv(pa.BufferReader(long.example().encode()))
    columns = {name: table.column(name) for name in table.column_names} | changes
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": [[1.0] * 9] * 4}, "column value: holds list<element: double>; accepted are text, whole numbers and numbers"),
        ({"model": [{"a": 1}] * 4}, "column model: holds struct<a: int64>; accepted are text"),
        ({"model": ["x" * 5000] * 4}, "column model: 5,000 bytes in a cell; at most 1,000 are accepted, in lines 1 to 4"),
        ({name: ["none"] * 50_001 for name in COLUMNS}, "50,001 rows; at most 50,000 are accepted"),
        ({f"c{i}": [1] * 4 for i in range(100)}, "109 columns; at most 100 are accepted"),
    ],
)  # fmt: skip
def test_parquet_beyond_the_limits_is_refused_before_it_is_read(changes: dict[str, Any], said: str):
    (message,) = refused("long", ("t.parquet", _parquet(**changes)))
    assert message.removeprefix("t.parquet").lstrip(",: ").startswith(said)


def test_a_small_parquet_file_of_very_much_is_refused_by_what_it_unpacks_to():
    content = _parquet(model=["x" * (1 << 24) + str(i) for i in range(4)])
    assert len(content) < 100_000
    (message,) = refused("long", ("t.parquet", content))
    assert message.startswith("t.parquet, column model: ") and "bytes unpacked; at most 67,108,864" in message


def test_lists_of_a_table_of_gains_are_of_numbers_and_no_longer_than_there_are_seeds():
    same = {"model": ["xlmr-base"], "recipe": ["squad"], "target": ["xnli"], "language": ["sw"], "metric": ["accuracy"]}
    gains = {"seeds": [[0, 1]], "scores": [[65.0, 66.0]], "baselines": [[64.0, 64.5]], "n_examples": [5010]}

    def written(**changes: Any) -> tuple[str, bytes]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = io.BytesIO()
        pq.write_table(pa.table(same | gains | changes), sink)
        return "t.parquet", sink.getvalue()

    assert len(load("long", written(others=[[["not read"]]])).rows) == 4
    (message,) = refused("long", written(scores=[[1.0] * 101]))
    assert "column scores: 101 numbers in a cell; at most 100" in message
    (message,) = refused("long", written(seeds=[[["0"]]]))
    assert "column seeds: holds list" in message and "accepted are a list of numbers" in message


def test_a_recipe_is_kept_by_its_own_name():
    rows = load("long", ("t.csv", f"{HEAD}\n{GOOD.replace('squad', 'squad+mnli')}\n")).rows
    assert rows[0].recipe == "mnli+squad" or rows[0].recipe == "squad+mnli"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("model", "", "required: a model of the catalogue"),
        ("model", "../../x", "letters, digits"),
        ("recipe", "mnlii", "did you mean mnli"),
        ("recipe", "+", "'+'"),
        ("target", "xnlii", "did you mean xnli"),
        ("target", "mnli", "unknown target task"),
        ("language", "swa", "unknown language"),
        ("metric", "f1", "xnli has accuracy"),
        ("seed", "-1", "a whole number from 0"),
        ("seed", "1.5", "a whole number from 0"),
        ("value", "164.5", "points from 0 to 100"),
        ("value", "-0.5", "points from 0 to 100"),
        ("value", "nan", "points from 0 to 100"),
        ("value", "inf", "points from 0 to 100"),
        ("value", "high", "points from 0 to 100"),
        ("value", "", "required: points"),
        ("n", "0", "a whole number from 1"),
        ("settings", "x" * 61, "up to 60 letters"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_column_and_value(column, value, expected):
    cells = dict(zip(COLUMNS, GOOD.split(","), strict=True)) | {column: value}
    said = refused("long", ("a/t.csv", f"{HEAD}\n{GOOD}\n{','.join(cells.values())}\n"))
    assert len(said) == 1
    assert said[0].startswith(f"a/t.csv, line 3, column {column}: ")
    assert expected in said[0]
    assert repr(value)[:30] in said[0]


def test_every_error_is_said_up_to_a_limit():
    wrong = "no,?,no,no,no,no,no,no,"
    said = refused("long", ("t.csv", "\n".join([HEAD, *[wrong] * 30])))
    assert len(said) == MOST_ERRORS + 1
    assert said[-1].startswith("and ")
    assert said[-1].endswith("more of these")


def test_a_header_that_does_not_fit_is_refused_before_any_row():
    said = refused("long", ("t.csv", "model,target,language,metric,score\n1,2,3,4,5\n"))
    assert any("unknown column 'score'" in s for s in said)
    assert any("column value is missing: points" in s for s in said)
    assert "column 'model' is there twice" in refused("long", ("t.csv", HEAD.replace("recipe", "model") + "\n"))[0]


def test_a_line_with_other_cells_text_that_is_no_utf8_and_nothing_at_all():
    assert "t.csv, line 2: 2 cells; the header has 9" in refused("long", ("t.csv", f"{HEAD}\n1,2\n"))
    assert refused("long", ("t.csv", f"{HEAD}\n".encode() + b"\xff\n"))[0].startswith("t.csv, line 2: not UTF-8")
    assert refused("long", ("t.csv", HEAD + "\n")) == ["t.csv: holds no score"]
    assert refused("long", ("t.csv", f'{HEAD}\n"open\n'))[0].startswith("t.csv, line 2: not CSV")


def test_the_same_score_twice_is_refused_also_across_files():
    said = refused("long", ("a.csv", f"{HEAD}\n{GOOD}\n"), ("b.csv", f"{HEAD}\n{GOOD.replace('64.5', '65.5')}\n"))
    assert said[0].startswith("b.csv, line 2, column value: 65.5; a.csv, line 2 has a value for the same model")


def test_shares_and_a_missing_baseline_are_pointed_at():
    rows = "\n".join(GOOD.replace("64.5", "0.64").replace("sw", code) for code in ("sw", "en", "de"))
    notes = load("long", ("t.csv", f"{HEAD}\n{rows}\n")).notes
    assert "were these shares" in notes[0]
    assert "no row has the recipe none" in notes[1]


def test_equal_content_has_one_digest_whatever_files_are_called():
    one, same = (load("long", (name, long.example())).sha256 for name in ("a.csv", "b.csv"))
    assert one == same
    assert one != load("long", ("a.csv", long.example()), settings="other").sha256


def test_bytes_that_are_no_base64():
    request = ImportRequest(format="long", source="a lab", files=[ImportFile(name="t.csv", content="§")])
    with pytest.raises(Invalid, match="Nothing"):
        read(request)


# --- Hugging Face's Trainer ----------------------------------------------------------------------------------------------


def test_a_trainer_folder_a_language():
    files = [
        ("run/sw/eval_results.json", {"epoch": 2.0, "eval_accuracy": 0.645, "eval_loss": 0.9, "eval_samples": 2490}),
        (
            "run/en/all_results.json",
            {"eval_accuracy": 0.8, "predict_accuracy": 0.849, "predict_samples": 5010, "train_loss": 0.2},
        ),
    ]
    found = load("trainer", *files, model="xlmr-base", target="xnli", recipe="mnli", seed=3)
    assert scores(found) == {
        ("xlmr-base", "mnli", "xnli", "sw", "accuracy", 3, 64.5, 2490),
        ("xlmr-base", "mnli", "xnli", "en", "accuracy", 3, 84.9, 5010),  # the test set before the development set
    }


def test_a_trainer_state_gives_its_last_evaluation_and_final_results_go_before_it():
    state = {
        "log_history": [
            {"eval_f1": 70.0, "eval_exact_match": 50.0, "step": 10},
            {"loss": 0.5, "step": 15},
            {"eval_f1": 71.5, "eval_exact_match": 52.0, "step": 20},
        ]
    }
    asked = {"model": "xlmr-base", "target": "xquad", "language": "de"}
    assert {v for *_, v, _ in scores(load("trainer", ("trainer_state.json", state), **asked))} == {71.5, 52.0}
    both = load("trainer", ("trainer_state.json", state), ("all_results.json", {"eval_f1": 72.0}), **asked)
    assert {(m, v) for *_, m, _, v, _ in scores(both)} == {("f1", 72.0), ("exact_match", 52.0)}


def test_what_a_trainer_file_must_be_told():
    good = ("eval_results.json", {"eval_accuracy": 0.5})
    assert refused("trainer", good) == [
        "request: model is required: result files do not say it",
        "request: target is required: result files do not say it",
    ]
    asked = {"model": "xlmr-base", "target": "xnli"}
    assert "of which language?" in refused("trainer", good, **asked)[0]
    assert "not a result file" in refused("trainer", ("config.json", {}), **asked)[0]
    assert "holds no score of xnli" in refused("trainer", ("eval_results_sw.json", {"eval_loss": 1.0}), **asked)[0]
    said = refused("trainer", ("eval_results_sw.json", {"eval_accuracy": 64.5}), **asked)[0]
    assert (
        said
        == "eval_results_sw.json, line 1, column eval_accuracy: 64.5; a share from 0 to 1 is what the Trainer prints of xnli"
    )
    assert refused("trainer", ("eval_results_sw.json", "{"), **asked)[0].startswith(
        "eval_results_sw.json, line 1: not JSON"
    )


# --- jiant ---------------------------------------------------------------------------------------------------------------

JIANT = {
    "aggregated": 0.7,
    "xnli_de": {"loss": 0.5, "metrics": {"major": 0.78, "minor": {"acc": 0.78}}},
    "udpos_sw": {"metrics": {"major": 0.6, "minor": {"acc": 0.7, "f1": 0.6, "precision": 0.5, "recall": 0.7}}},
    "mlqa_de_de": {"metrics": {"major": 60.0, "minor": {"f1": 68.0, "em": 52.0}}},
    "bucc2018_fr": {"metrics": {"major": 0.5, "minor": {"f1": 0.5}}},
}


def test_jiant_names_task_and_language_and_its_arguments_the_seed():
    found = load(
        "jiant", ("r/val_metrics.json", JIANT), ("r/args.json", {"seed": 7}), model="xlmr-large", recipe="squad"
    )
    by = {(t, c, m): (s, v) for _, _, t, c, m, s, v, _ in scores(found)}
    assert by == {
        ("xnli", "de", "accuracy"): (7, 78.0),
        ("udpos", "sw", "accuracy"): (7, 70.0),
        ("udpos", "sw", "f1"): (7, 60.0),
        ("mlqa", "de", "f1"): (7, 68.0),
        ("mlqa", "de", "exact_match"): (7, 52.0),
        ("bucc", "fr", "f1"): (7, 50.0),
    }
    drawn = load("jiant", ("val_metrics.json", JIANT), ("args.json", {"seed": -1}), model="xlmr-large")
    assert {s for *_, s, _, _ in scores(drawn)} == {None}


def test_what_jiant_says_that_is_none_of_ours():
    asked = {"model": "xlmr-large"}
    assert refused("jiant", ("val_metrics.json", JIANT))[0].startswith("request: model is required")
    assert (
        "expected a target and its language" in refused("jiant", ("val_metrics.json", {"mlqa_en_de": {}}), **asked)[0]
    )
    assert "unknown target task 'rte'" in refused("jiant", ("val_metrics.json", {"rte_en": {}}), **asked)[0]
    wrong = {"xnli_de": {"metrics": {"minor": {"acc": 78.0}}}}
    assert "a share from 0 to 1 is what jiant writes" in refused("jiant", ("val_metrics.json", wrong), **asked)[0]
    assert "holds no metric of xnli" in refused("jiant", ("val_metrics.json", {"xnli_de": {"metrics": {}}}), **asked)[0]


# --- predictions ---------------------------------------------------------------------------------------------------------


def test_a_scored_submission_and_one_with_problems():
    report = {
        "tasks": {
            "tatoeba": {"languages": {"sw": {"accuracy": 30.5}}},
            "lareqa": {"languages": {"de": {"map@20": 40.0}}},
        },
        "problems": [],
    }
    found = load("xtreme", ("scores.json", report), model="xlmr-base", seed=0)
    assert {(t, c, m, v) for _, _, t, c, m, _, v, _ in scores(found)} == {
        ("tatoeba", "sw", "accuracy", 30.5),
        ("lareqa", "de", "map_at_20", 40.0),
    }
    broken = {**report, "problems": ["x/test-de.tsv: missing (German)"]}
    assert (
        "could not be scored whole: 'x/test-de.tsv" in refused("xtreme", ("scores.json", broken), model="xlmr-base")[0]
    )
    assert "model is required" in refused("xtreme", ("scores.json", report))[0]
