"""One stream over all languages, a score for each language and metric, and every single prediction kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from backend.domain import mini
from backend.domain.inputs import KEPT
from backend.domain.run import RunKind, RunSpec
from backend.domain.task import Format, Source, Split
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import formats
from worker.data import Door
from worker.distinct import distinct
from worker.encoder import states
from worker.evaluate import by_length, keep_layers, load_head, predict, save_head
from worker.formats import Features, collate_rows
from worker.meter import Meter
from worker.outcomes import Stopped

World = Any
Notes = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=4, max_length=48, stride=12, evaluations=1)


def evaluation(
    world: World, data: Any, task: str, start: RunSpec | None, languages: tuple[str, ...], **changes: Any
) -> RunSpec:
    return world.spec(
        RunKind.EVALUATE,
        data=(data(task, TASKS[task].evaluated_on),),
        training=TRAINING if TASKS[task].trained_on else None,
        languages=languages,
        parents=(start.fingerprint,) if start else (),
        **changes,
    )


def test_rows_come_longest_first_within_a_budget() -> None:
    lengths = np.random.default_rng(0).integers(3, 80, 500)
    batches = by_length(lengths, 512)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert all(lengths[b].max() * len(b) <= 512 for b in batches)
    firsts = [lengths[b].max() for b in batches]
    assert firsts == sorted(firsts, reverse=True)
    assert sum(lengths[b].max() * len(b) for b in batches) < 1.05 * lengths.sum()
    assert len(by_length(np.array([2000]), 512)) == 1  # a row longer than the budget goes alone


@pytest.mark.parametrize("format", [Format.CLASSIFICATION, Format.TAGGING, Format.SPAN_QA, Format.BITEXT_RETRIEVAL])
def test_the_stream_gives_what_row_by_row_gives(
    world: World, tiny: Callable[..., Any], spec_data: Callable[..., Any], format: Format
) -> None:
    """Sorting, padding and scattering change nothing: the same numbers as one row at a time, in the rows' order."""
    name = {"classification": "xnli", "tagging": "udpos", "span_qa": "xquad", "bitext_retrieval": "tatoeba"}[
        format.value
    ]
    task, encoder, behaviour = TASKS[name], tiny(), formats.of(format)
    encoder.module.eval()
    door = Door(None, world.cache, True)
    language = task.mini_languages[-1]
    examples = door.load(spec_data(name, task.evaluated_on), language)[:25]
    features = behaviour.encode(examples, encoder.tokenizer, 48, 12)
    head = behaviour.head(encoder.hidden, task, 0.0).eval()
    job = world.job(world.spec(RunKind.EVALUATE))
    outputs = predict(encoder, head, behaviour, features, ask=lambda: None, meter=Meter(job))
    with torch.inference_mode():
        for row in range(len(features.rows) - 1):
            batch = collate_rows(features, np.array([row]), encoder.pad)
            alone = head(states(encoder.module, batch, behaviour.READS), batch).numpy()
            if behaviour.LEVEL is formats.Level.ROW:
                ours = outputs[row : row + 1]
            else:
                ours = outputs[features.rows[row] : features.rows[row + 1]]
                if behaviour.READS is formats.Reads.MARKED:
                    ours = ours[batch.token["labels"][0].numpy() != formats.IGNORED]
                else:
                    alone = alone[0]
            np.testing.assert_allclose(ours, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["xnli", "tatoeba"])
def test_equal_rows_are_read_once_and_get_the_same(
    world: World, tiny: Callable[..., Any], spec_data: Callable[..., Any], name: str
) -> None:
    task, encoder = TASKS[name], tiny()
    behaviour = formats.of(task.format)
    door = Door(None, world.cache, True)
    examples = door.load(spec_data(name, task.evaluated_on), task.mini_languages[-1])[:20]
    once = behaviour.encode(examples, encoder.tokenizer, 48, 12)
    head = behaviour.head(encoder.hidden, task, 0.0)
    rows = len(once.rows) - 1

    def scored(features: Features) -> tuple[Any, float]:
        meter = Meter(world.job(world.spec(RunKind.EVALUATE)))
        return predict(encoder, head, behaviour, features, ask=lambda: None, meter=meter), meter.used["tokens"]

    alone, tokens = scored(once)
    both, together = scored(Features.joined([once, once]))
    assert together == tokens <= once.rows[-1]
    assert (both[:rows] == alone).all()
    assert (both[rows:] == alone).all()
    assert behaviour.score(task, behaviour.decode(task, examples, once, both[rows:])) == behaviour.score(
        task, behaviour.decode(task, examples, once, alone)
    )


def test_rows_with_other_segments_are_not_equal() -> None:
    rows = [[0, 7, 2], [0, 8, 2], [0, 7, 2], [0, 7, 2], [0, 7]]
    first, of = distinct(Features.build(rows))
    assert (first.tolist(), of.tolist()) == ([0, 1, 4], [0, 1, 0, 0, 2])
    first, of = distinct(Features.build(rows, token={"types": [[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0]]}))
    assert (first.tolist(), of.tolist()) == ([0, 1, 2, 4], [0, 1, 2, 0, 3])


def test_scores_and_predictions_of_every_language(world: World, spec_data: Callable[..., Any]) -> None:
    start = world.on("mnli", training=TRAINING)
    world.run(start)
    outcome, job = world.run(evaluation(world, spec_data, "xnli", start, ("en", "de", "zh")))
    assert [(s.language, s.metric, s.n) for s in outcome.scores] == [
        (code, "accuracy", mini.SIZES["xnli"]["test"]) for code in ("en", "de", "zh")
    ]
    table = parquet.read_table(job.out / "predictions.parquet").to_pylist()
    columns = {"language", "id", "prediction", "gold", "score", "confidence", "unit", "length", "overlap", "script"}
    assert set(table[0]) == columns
    assert {line["script"] for line in table if line["language"] == "zh"} <= {"Han", "mixed"}
    assert all(line["length"] > 0 and 0 <= line["overlap"] <= 1 for line in table)
    for score in outcome.scores:
        own = [line for line in table if line["language"] == score.language]
        assert len({line["id"] for line in own}) == score.n
        assert sum(line["score"] for line in own) / score.n == pytest.approx(score.value)
        assert {line["prediction"] for line in own} <= set(TASKS["xnli"].labels)
        assert all((line["prediction"] == line["gold"]) == (line["score"] == 100) for line in own)
        assert all(1 / 3 <= line["confidence"] <= 1 for line in own)


@pytest.mark.parametrize(("trained", "task"), [("squad", "xquad"), ("udpos", "udpos"), ("copa", "xcopa")])
def test_the_other_formats(world: World, spec_data: Callable[..., Any], trained: str, task: str) -> None:
    start = world.on(trained, training=TRAINING)
    world.run(start)
    languages = TASKS[task].mini_languages[:3]
    outcome, job = world.run(evaluation(world, spec_data, task, start, languages))
    assert [(s.language, s.metric) for s in outcome.scores] == [(c, m) for c in languages for m in TASKS[task].metrics]
    assert all(0 <= s.value <= 100 and s.n > 0 for s in outcome.scores)
    table = parquet.read_table(job.out / "predictions.parquet").to_pylist()
    assert {line["language"] for line in table} == set(languages)
    if task == "udpos":
        assert json.loads(table[0]["prediction"])[0] in TASKS["udpos"].labels


def test_retrieval_needs_no_head_and_looks_at_its_layer(
    world: World, spec_data: Callable[..., Any], tiny: Callable[..., Any]
) -> None:
    start = world.on("mnli", training=TRAINING)
    _, parent = world.run(start)
    (parent.out / "head.safetensors").unlink()
    outcome, job = world.run(evaluation(world, spec_data, "tatoeba", start, ("de", "zh")))
    assert [s.language for s in outcome.scores] == ["de", "zh"]
    table = parquet.read_table(job.out / "predictions.parquet").to_pylist()
    assert {line["gold"] for line in table if line["language"] == "de"} == {
        line["id"] for line in table if line["language"] == "de"
    }
    deep = tiny(layers=12)
    keep_layers(deep, 8 / 12)
    assert len(deep.module.encoder.layer) == 8
    whole, again = tiny(layers=3), tiny(layers=3)
    keep_layers(again, 2 / 3)
    features = Features.build([[0, 5, 6, 2]])
    batch = collate_rows(features, np.array([0]), 1)
    for made in (whole, again):
        made.module.eval()
    wanted = whole.module(input_ids=batch.ids, output_hidden_states=True).hidden_states[2]
    torch.testing.assert_close(states(again.module, batch, formats.Reads.EVERY), wanted, rtol=1e-5, atol=1e-6)


def test_equal_runs_give_equal_scores(world: World, spec_data: Callable[..., Any]) -> None:
    start = world.on("mnli", training=TRAINING)
    world.run(start)
    spec = evaluation(world, spec_data, "xnli", start, ("en", "ar"))
    one, first = world.run(spec, name="one")
    two, second = world.run(spec, name="two")
    assert one.scores == two.scores
    assert (first.out / "predictions.parquet").read_bytes() == (second.out / "predictions.parquet").read_bytes()


def test_data_of_the_hub_leave_their_texts_and_other_data_do_not(
    world: World, spec_data: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's rows are those of the mini world here: the same scores, and beside them what was asked."""
    hub = spec_data("tatoeba", TASKS["tatoeba"].evaluated_on).model_copy(
        update={"source": Source.HUB, "content": "c0ffee"}
    )
    start = world.on("mnli", training=TRAINING)
    world.run(start)
    own, job = world.run(evaluation(world, spec_data, "tatoeba", start, ("de", "zh")), name="own")
    assert not (job.out / KEPT).exists()

    def rows(door: Door, task: Any, data: Any, language: str) -> Any:
        yield "rows", mini.rows(task.mini, language, data.split.value)

    monkeypatch.setattr(Door, "_rows", rows)
    spec = evaluation(world, lambda *_: hub, "tatoeba", start, ("de", "zh"))
    monkeypatch.setattr(
        "worker.evaluate.settled",
        lambda task, spec: task.model_copy(update={"retrieval": task.retrieval_in(Source.MINI)}),
    )
    outcome, job = world.run(spec, name="hub")
    assert outcome.scores == own.scores
    kept = parquet.read_table(job.out / KEPT).to_pylist()
    assert [(line["language"], line["id"]) for line in kept] == [
        (line["language"], line["id"]) for line in parquet.read_table(job.out / "predictions.parquet").to_pylist()
    ]
    assert [name for name, _ in json.loads(kept[0]["texts"])] == ["Sentence", "English"]


def test_an_evaluation_can_be_stopped(world: World, notes: Notes, spec_data: Callable[..., Any]) -> None:
    start = world.on("mnli", training=TRAINING)
    world.run(start)
    asked = notes(stop_at=2)
    with pytest.raises(Stopped) as stopped:
        world.run(evaluation(world, spec_data, "xnli", start, TASKS["xnli"].mini_languages), asked)
    assert not stopped.value.saved
    assert asked.asked == 3


def test_a_head_for_something_else_is_refused(tiny: Callable[..., Any], tmp_path: Any) -> None:
    encoder, mnli = tiny(), TASKS["mnli"]
    head = formats.of(mnli.format).head(encoder.hidden, mnli, 0.1)
    save_head(tmp_path, mnli, head)
    again = load_head(tmp_path, TASKS["xnli"], encoder)
    assert torch.equal(again.out.weight, head.out.weight)
    with pytest.raises(ValueError, match="head trained on mnli does not fit xquad"):
        load_head(tmp_path, TASKS["xquad"], encoder)


def test_what_is_withheld_is_missing_not_zero(
    world: World, spec_data: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker import data as data_module

    rows = [{"premise": "x", "hypothesis": "y", "label": -1}]
    monkeypatch.setattr(data_module.mini, "rows", lambda *a: iter(rows))
    door = Door(None, world.root / "empty", True)
    with pytest.raises(data_module.MissingData, match="it holds no examples"):
        door.load(spec_data("xnli", Split.TEST), "en")
