"""Finding answers, entities and translations: neighbours, margins, thresholds, ranks; and runs of each target."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from backend.domain import mini
from backend.domain.run import DataSpec, RunKind, RunSpec
from backend.domain.task import Bitext, Format, Line, Passage, RetrievalOverrides, Search, Source, Split, Task
from backend.domain.tasks import TASKS
from backend.domain.training import Training
from worker import formats, metrics
from worker import nearest as nearest_module
from worker.data import Door, MissingData
from worker.evaluate import in_streams, settled
from worker.formats import Features, Read, collate, decode_all
from worker.formats.answer_retrieval import ANSWERS, ASKS, OTHER
from worker.formats.bitext_mining import margin_pairs, threshold
from worker.nearest import nearest

World = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=4, max_length=48, evaluations=1)
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "files"


def unit(*rows: tuple[float, ...]) -> np.ndarray[Any, Any]:
    vectors = np.array(rows, np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


# --- neighbours ------------------------------------------------------------------------------------------------------


def test_blocks_of_any_size_give_the_neighbours_of_a_full_sort() -> None:
    """Integers, so that sums are exact and many are equal: of equal ones the first counts."""
    rng = np.random.default_rng(0)
    queries = rng.integers(-2, 3, (37, 6)).astype(np.float32)
    index = rng.integers(-2, 3, (211, 6)).astype(np.float32)
    everything = queries @ index.T
    wanted = np.argsort(-everything, axis=1, kind="stable")[:, :20]
    for rows, columns in ((1, 1), (5, 7), (37, 20), (16, 64), (1024, 16384)):
        places, values = nearest(queries, index, 20, rows=rows, columns=columns)
        np.testing.assert_array_equal(places, wanted)
        np.testing.assert_array_equal(values, np.take_along_axis(everything, wanted, 1))


def test_neighbours_at_the_edges() -> None:
    one = unit((1, 0))
    assert nearest(one, one, 20)[0].tolist() == [[0]]
    assert nearest(one[:0], one, 4)[0].shape == (0, 1)
    with pytest.raises(ValueError, match="the index is empty"):
        nearest(one, one[:0], 4)
    with pytest.raises(ValueError, match="width"):
        nearest(one, unit((1, 0, 0)), 4)


# --- metrics by hand -------------------------------------------------------------------------------------------------


def test_average_precision_by_hand() -> None:
    assert metrics.average_precision(["a", "x", "b"], {"a", "b"}) == pytest.approx(100 * (1 / 1 + 2 / 3) / 2)
    assert metrics.average_precision(["x", "a"], {"a", "b", "c"}) == pytest.approx(100 * (1 / 2) / 3)
    assert metrics.average_precision(["x"] * 20 + ["a"], {"a"}) == 0
    assert metrics.average_precision([f"r{i}" for i in range(20)], {f"r{i}" for i in range(30)}) == 100
    assert metrics.average_precision(["x", "a", "b"], {"b"}, k=2) == 0
    with pytest.raises(ValueError, match="without a relevant answer"):
        metrics.average_precision(["a"], ())


def test_reciprocal_rank_is_average_precision_where_one_is_right() -> None:
    ranked = ["x", "y", "a", "z"]
    assert metrics.reciprocal_rank(ranked, ["a"]) == pytest.approx(100 / 3) == metrics.average_precision(ranked, ["a"])
    assert metrics.reciprocal_rank(ranked, ["b"]) == 0
    assert metrics.reciprocal_rank(["x"] * 20 + ["a"], ["a"]) == 0


def test_the_official_mock_submission_of_mewslix(benchmark_files: Path) -> None:
    """The published constant, 14.390, from the mean of eleven languages."""
    scores = []
    for labels in sorted((benchmark_files / "xtreme_mock/labels/mewslix").glob("test-*.json")):
        gold = json.loads(labels.read_text())
        found = json.loads((benchmark_files / "xtreme_mock/predictions/mewslix" / labels.name).read_text())
        ranks = [metrics.reciprocal_rank(found.get(key, ()), right) for key, right in gold.items()]
        scores.append(sum(ranks) / len(ranks))
    assert len(scores) == 11
    assert sum(scores) / 11 == pytest.approx(14.390, abs=5e-4)


def test_the_threshold_is_half_way_to_what_is_dropped() -> None:
    gold = [("a", "1"), ("b", "2"), ("c", "3")]
    scores = {("a", "1"): 1.4, ("x", "9"): 1.3, ("b", "2"): 1.2, ("y", "8"): 1.0, ("z", "7"): 0.9}
    # F1 of keeping 1 to 5: 2/4, 2/5, 4/6, 4/7, 4/8
    assert metrics.best_threshold(scores, gold) == pytest.approx(1.1)
    assert metrics.best_threshold({("a", "1"): 1.4, ("b", "2"): 1.2}, gold) == 1.2  # all are kept
    assert metrics.best_threshold({("x", "9"): 1.4}, gold) == 0  # as the official script has it
    tied = {("a", "1"): 1.0, ("x", "9"): 1.0, ("y", "8"): 1.0}
    kept = {pair for pair, score in tied.items() if score >= metrics.best_threshold(tied, gold)}
    assert kept == set(tied)  # equal ones go together
    with pytest.raises(ValueError, match="nothing to tune on"):
        metrics.best_threshold(scores, [])


def test_mined_pairs_by_hand() -> None:
    gold = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]
    assert metrics.mined([("a", "1"), ("b", "9")], gold) == (50, 25, pytest.approx(100 / 3))
    assert metrics.mined([], gold) == (0, 0, 0)
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.mined([("a", "1")], [])


# --- mining ----------------------------------------------------------------------------------------------------------


def test_margin_by_hand() -> None:
    """Two sources, two targets, one neighbour: cosines 1 and .6 from the first, .8 and .96 from the second."""
    source, target = unit((1, 0), (0.8, 0.6)), unit((1, 0), (0.6, 0.8))
    cosines = source @ target.T
    np.testing.assert_allclose(cosines, [[1, 0.6], [0.8, 0.96]], atol=1e-6)
    pairs = margin_pairs(source, target, neighbours=1)
    assert [(x, y) for x, y, _, _ in pairs] == [(0, 0), (1, 1)]
    np.testing.assert_allclose([m for _, _, m, _ in pairs], [1, 1], atol=1e-6)
    pairs = margin_pairs(source, target, neighbours=2)
    # means over both neighbours: sources .8 and .88, targets .9 and .78
    assert [(x, y) for x, y, _, _ in pairs] == [(0, 0), (1, 1)]
    np.testing.assert_allclose([m for _, _, m, _ in pairs], [1 / 0.85, 0.96 / 0.83], atol=1e-6)
    np.testing.assert_allclose([c for _, _, _, c in pairs], [1, 0.96], atol=1e-6)


def test_a_sentence_is_taken_once_and_a_hub_is_no_answer() -> None:
    """Target 0 is near to everything: by cosine alone it is the nearest of source 0, by margin target 1 is."""
    source = unit((0.6, 0.8, 0, 0), (0.6, 0, 0.8, 0), (0.6, 0, 0, 0.8))
    target = unit((1, 0.5, 0.5, 0.5), (0.2, 0.9, 0, 0))
    assert (source @ target.T)[:, 0].min() > 0.7
    pairs = margin_pairs(source, target)
    assert (pairs[0][0], pairs[0][1]) == (0, 1)
    assert len({x for x, *_ in pairs}) == len({y for _, y, *_ in pairs}) == len(pairs) == 2


def lines_of(texts: dict[str, str], gold: dict[str, tuple[str, ...]]) -> list[Line]:
    return [Line(k, t, k.startswith("en"), gold.get(k, ())) for k, t in texts.items()]


def test_the_threshold_comes_from_development_data_and_repeated_sentences_are_left_out() -> None:
    behaviour, task = formats.of(Format.BITEXT_MINING), TASKS["bucc"]
    texts = {"de-1": "a", "de-2": "b", "de-3": "a", "de-4": "c", "en-1": "A", "en-2": "B", "en-3": "C"}
    gold = {"de-1": ("en-1",), "de-2": ("en-2",), "de-4": ("en-3",)}
    eye = np.eye(3, dtype=np.float32)
    outputs = np.stack([eye[0], eye[1], eye[0], eye[2], eye[0], eye[1], eye[2]])
    examples = lines_of(texts, gold)
    features = Features.build([[0]] * 7)
    test = Read(examples, features, outputs)
    # margins of all the right pairs are equal; of dev only those that have a gold pair count
    beside = {Split.VALIDATION: {"de": test}}
    predictions = behaviour_all(behaviour, task, {"de": test}, beside, ["de"])["de"]
    assert [(p.id, p.prediction, p.gold) for p in predictions] == [
        ("de-1", [], ["en-1"]),  # said twice: it could be either
        ("de-2", ["en-2"], ["en-2"]),
        ("de-4", ["en-3"], ["en-3"]),
    ]
    values = behaviour.score(task, predictions)
    assert values == {"precision": (100, 3), "recall": (pytest.approx(200 / 3), 3), "f1": (pytest.approx(80), 3)}
    assert np.isfinite(threshold(test))
    nothing = Read(lines_of(texts, {"de-2": ("en-3",)}), features, outputs)
    assert threshold(nothing) == 0


def behaviour_all(behaviour: Any, task: Task, sets: Any, beside: Any, scored: list[str]) -> Any:
    return decode_all(behaviour, task, sets, beside, scored)


def test_mining_needs_two_texts_and_no_training() -> None:
    behaviour = formats.of(Format.BITEXT_MINING)
    examples = lines_of({"de-1": "a"}, {"de-1": ("en-1",)})
    with pytest.raises(ValueError, match="the English one is empty"):
        behaviour.decode(TASKS["bucc"], examples, Features.build([[0]]), unit((1, 0)))
    with pytest.raises(TypeError, match="not trained"):
        behaviour.loss(torch.zeros(1), collate(Features.build([[0]]), np.array([0]), pad=1))


# --- answers ---------------------------------------------------------------------------------------------------------


def searches(code: str) -> list[Search]:
    """Two questions about one paragraph of three sentences."""
    a, b, c = (Passage(str(n), f"{code} {n}", f"{code} 0 1 2") for n in range(3))
    return [Search("q1", f"{code} one?", "q1", a, (b, c)), Search("q2", f"{code} two?", "q2", b, (a, c))]


def test_rows_of_questions_and_each_passage(tiny: Callable[..., Any]) -> None:
    behaviour, tokenizer = formats.of(Format.ANSWER_RETRIEVAL), tiny().tokenizer
    features = behaviour.encode(searches("the dog"), tokenizer, 48, 0)
    assert features.row["role"].tolist() == [ASKS, ANSWERS, OTHER, ASKS, ANSWERS]
    assert features.row["passage"].tolist() == [-1, 0, 1, -1, 2]
    assert features.items.tolist() == [0, 3, 5]
    text = tokenizer.decode(features.tokens[features.rows[1] : features.rows[2]])
    assert text.replace(" ", "") == "<s>thedog0</s></s>thedog012</s>"
    long = Search("a", "dog " * 300, "a", Passage("p", "cat " * 20, "dog " * 300))
    features = behaviour.encode([long], tokenizer, 128, 0)
    assert features.lengths.tolist() == [96, 128]
    assert behaviour.encode([long], tokenizer, 64, 0).lengths.tolist() == [64, 64]
    with pytest.raises(ValueError, match="example x has neither a query nor a passage"):
        behaviour.encode([Search("x", None, "x", None)], tokenizer, 64, 0)


def test_loss_by_hand_and_what_is_no_wrong_answer() -> None:
    behaviour = formats.of(Format.ANSWER_RETRIEVAL)
    rows = {"role": [ASKS, ANSWERS] * 3, "passage": [-1, 0, -1, 1, -1, 0]}  # the first and the last have one answer
    batch = collate(Features.build([[0]] * 6, [2] * 3, row=rows), np.array([0, 1, 2]), pad=1)
    output = torch.nn.functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), dim=-1)
    logits = 20 * output[0::2] @ output[1::2].T
    parts = [
        torch.logsumexp(logits[0, [0, 1]], 0) - logits[0, 0],
        torch.logsumexp(logits[1], 0) - logits[1, 1],
        torch.logsumexp(logits[2, [1, 2]], 0) - logits[2, 2],
    ]
    torch.testing.assert_close(behaviour.loss(output, batch), torch.stack(parts).mean())
    alone = collate(Features.build([[0]], row={"role": [ASKS], "passage": [-1]}), np.array([0]), pad=1)
    with pytest.raises(ValueError, match="every example needs a query and an answer"):
        behaviour.loss(output[:1], alone)


def read_of(code: str, vectors: list[tuple[float, ...]], tiny: Callable[..., Any]) -> Read:
    behaviour = formats.of(Format.ANSWER_RETRIEVAL)
    examples = searches(code)
    return Read(examples, behaviour.encode(examples, tiny().tokenizer, 48, 0), unit(*vectors))


def test_one_pool_of_all_languages_and_scores_by_language(tiny: Callable[..., Any]) -> None:
    """Rows: first question, its answer, the sentence that answers nothing, second question, its answer."""
    task = TASKS["lareqa"]
    en = read_of("dog", [(1, 0, 0), (0.9, 0.1, 0), (0, 0, 1), (0, 1, 0), (0, 0.9, 0.1)], tiny)
    de = read_of("Hund", [(1, 0.1, 0), (0.1, 0.1, 0.9), (0.8, 0.2, 0), (0, 1, 0), (0, 1, 0.01)], tiny)
    found = decode_all(formats.of(task.format), task, {"en": en, "de": de}, {}, ["de", "en"])
    assert list(found) == ["de", "en"]
    first, second = found["en"]
    assert first.gold == ["en:0", "de:0"] and second.gold == ["en:1", "de:1"]
    assert first.prediction[:2] == ["en:0", "de:2"] and len(first.prediction) == 6
    assert set(second.prediction[:2]) == {"en:1", "de:1"} and second.score == 100
    place = first.prediction.index("de:0") + 1
    assert first.score == pytest.approx(100 * (1 + 2 / place) / 2)
    values = formats.of(task.format).score(task, found["en"])
    assert values["map_at_20"] == (pytest.approx((first.score + second.score) / 2), 2)
    assert values["mrr_at_20"] == (100, 2)
    assert decode_all(formats.of(task.format), task, {"en": en, "de": de}, {}, ["en"])["en"] == found["en"]


def test_entities_are_candidates_of_their_own(tiny: Callable[..., Any]) -> None:
    task, behaviour, tokenizer = TASKS["mewslix"], formats.of(Format.ANSWER_RETRIEVAL), tiny().tokenizer
    entities = [Search(q, None, q, Passage(q, q)) for q in ("Q1", "Q2", "Q3")]
    mentions = [Search("m1", "x", "Q2", None), Search("m2", "y", "Q9", None)]
    pool = Read(entities, behaviour.encode(entities, tokenizer, 48, 0), unit((1, 0), (0.6, 0.8), (0, 1)))
    asked = Read(mentions, behaviour.encode(mentions, tokenizer, 48, 0), unit((1, 0.1), (0, 1)))
    one, two = decode_all(behaviour, task, {"de": asked}, {Split.CANDIDATES: {"en": pool}}, ["de"])["de"]
    assert (one.prediction, one.gold, one.score) == (["Q1", "Q2", "Q3"], ["Q2"], 50)
    assert (two.gold, two.score) == ([], 0)  # not among the candidates


def test_blocks_do_not_change_predictions(tiny: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    task, behaviour, encoder = TASKS["mewslix"], formats.of(Format.ANSWER_RETRIEVAL), tiny()
    examples = [task.read(row) for row in mini.rows("mewslix", "en", "candidates")]
    mentions = [task.read(row) for row in mini.rows("mewslix", "de", "test")][:40]
    rng = np.random.default_rng(0)
    reads = [
        Read(each, behaviour.encode(each, encoder.tokenizer, 48, 0), unit(*rng.normal(size=(len(each), 8))))
        for each in (examples, mentions)
    ]
    whole = decode_all(behaviour, task, {"de": reads[1]}, {Split.CANDIDATES: {"en": reads[0]}}, ["de"])
    monkeypatch.setattr(
        "worker.formats.answer_retrieval.nearest", lambda q, i, k: nearest_module.nearest(q, i, k, rows=7, columns=11)
    )
    parts = decode_all(behaviour, task, {"de": reads[1]}, {Split.CANDIDATES: {"en": reads[0]}}, ["de"])
    assert [(p.id, p.prediction, p.score) for p in parts["de"]] == [(p.id, p.prediction, p.score) for p in whole["de"]]


@pytest.mark.parametrize("name", ["lareqa", "mewslix"])
def test_a_training_step_lowers_the_loss(tiny: Callable[..., Any], name: str) -> None:
    from worker.encoder import states

    task, encoder = TASKS[name], tiny()
    behaviour = formats.of(task.format)
    examples = [task.read(row) for row in mini.rows(name, "en", "train")][:16]
    features = behaviour.encode(examples, encoder.tokenizer, 48, 0)
    head = behaviour.head(encoder.hidden, task, 0.0)
    batch = collate(features, np.arange(16), encoder.pad)
    optimizer = torch.optim.AdamW(encoder.module.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        value = behaviour.loss(head(states(encoder.module, batch, behaviour.READS), batch), batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < 0.8 * losses[0], losses


# --- runs ------------------------------------------------------------------------------------------------------------


def evaluation(
    world: World, data: Any, task: str, start: RunSpec, languages: tuple[str, ...], **changes: Any
) -> RunSpec:
    splits = (TASKS[task].evaluated_on, *TASKS[task].evaluated_with)
    return world.spec(
        RunKind.EVALUATE,
        data=tuple(data(task, split) for split in splits),
        training=TRAINING if TASKS[task].trained_on else None,
        languages=languages,
        parents=(start.fingerprint,),
        **changes,
    )


@pytest.mark.parametrize(("name", "trained"), [("lareqa", "lareqa"), ("mewslix", "mewslix"), ("bucc", "mnli")])
def test_a_run_from_training_to_scores(world: World, spec_data: Callable[..., Any], name: str, trained: str) -> None:
    task = TASKS[name]
    start = world.on(trained, training=TRAINING)
    world.run(start)
    languages = task.mini_languages[-2:]
    spec = evaluation(world, spec_data, name, start, languages)
    outcome, job = world.run(spec)
    again, other = world.run(spec, name="again")
    assert outcome.scores == again.scores
    table = parquet.read_table(job.out / "predictions.parquet")
    assert table.equals(parquet.read_table(other.out / "predictions.parquet"))
    assert [(s.language, s.metric) for s in outcome.scores] == [(c, m) for c in languages for m in task.metrics]
    assert all(0 <= s.value <= 100 for s in outcome.scores)
    counts = {"lareqa": 100, "mewslix": 150, "bucc": 80}
    assert {s.n for s in outcome.scores} == {counts[name]}
    lines = table.to_pylist()
    assert {line["language"] for line in lines} == set(languages)
    if name == "lareqa":  # of all eight languages, though two are scored
        found = [json.loads(line["gold"]) for line in lines]
        assert all({g.split(":")[0] for g in gold} == set(task.mini_languages) for gold in found)
        assert all(len(json.loads(line["prediction"])) == 20 for line in lines)
    if name == "mewslix":
        assert all(len(json.loads(line["gold"])) == 1 for line in lines)


def test_a_language_scores_the_same_whatever_else_is_asked_for(world: World, spec_data: Callable[..., Any]) -> None:
    start = world.on("lareqa", training=TRAINING)
    world.run(start)
    alone, _ = world.run(evaluation(world, spec_data, "lareqa", start, ("tr",)))
    three, _ = world.run(evaluation(world, spec_data, "lareqa", start, ("en", "tr", "zh")))
    assert set(alone.scores) <= set(three.scores)


def test_layer_and_pooling_can_be_set(world: World, spec_data: Callable[..., Any], tiny: Callable[..., Any]) -> None:
    start = world.on("mnli", training=TRAINING)
    world.run(start)
    fact = evaluation(world, spec_data, "bucc", start, ("de",))
    changed = evaluation(
        world, spec_data, "bucc", start, ("de",), retrieval=RetrievalOverrides(layer_fraction=1, pooling="cls")
    )
    assert fact.fingerprint != changed.fingerprint
    assert settled(TASKS["bucc"], fact).retrieval == TASKS["bucc"].mini_retrieval
    assert settled(TASKS["bucc"], changed).retrieval.model_dump() == {"layer_fraction": 1, "pooling": "cls"}
    confidences = [
        parquet.read_table(world.run(spec)[1].out / "predictions.parquet")["confidence"].to_pylist()
        for spec in (fact, changed)
    ]
    assert confidences[0] != confidences[1]


def test_a_dual_encoder_of_fewer_layers_is_trained_and_loaded_with_them(
    world: World, spec_data: Callable[..., Any]
) -> None:
    half = RetrievalOverrides(layer_fraction=0.5, pooling="mean")
    start = world.on("mewslix", training=TRAINING, retrieval=half)
    _, job = world.run(start)
    assert json.loads((job.out / "config.json").read_text())["num_hidden_layers"] == 1
    outcome, _ = world.run(evaluation(world, spec_data, "mewslix", start, ("de",), retrieval=half))
    assert outcome.scores[0].n == 150


def test_mining_reads_one_language_at_a_time_and_a_pool_all(world: World, spec_data: Callable[..., Any]) -> None:
    def streams(name: str, languages: tuple[str, ...]) -> list[list[tuple[Split, str]]]:
        splits = (TASKS[name].evaluated_on, *TASKS[name].evaluated_with)
        spec = world.spec(RunKind.EVALUATE, data=tuple(spec_data(name, s) for s in splits), languages=languages)
        return [[(data.split, code) for data, code in each] for each in in_streams(TASKS[name], spec)]

    dev, test, pool = Split.VALIDATION, Split.TEST, Split.CANDIDATES
    assert streams("bucc", ("de", "zh")) == [[(test, "de"), (dev, "de")], [(test, "zh"), (dev, "zh")]]
    assert streams("mewslix", ("de", "ta")) == [[(test, "de"), (test, "ta"), (pool, "en")]]
    assert streams("lareqa", ("tr",)) == [[(test, code) for code in TASKS["lareqa"].mini_languages]]
    assert streams("tatoeba", ("de", "zh")) == [[(Split.VALIDATION, "de"), (Split.VALIDATION, "zh")]]


# --- files -----------------------------------------------------------------------------------------------------------


def files(task: str, split: Split) -> DataSpec:
    return DataSpec(task=task, version=TASKS[task].version, source=Source.FILES, split=split, content=None)


def opened(root: Path, cache: Path) -> Door:
    return Door(root, cache, offline=True)


def test_xquad_r_files(tmp_path: Path) -> None:
    first, second, third = opened(FIXTURES, tmp_path).load(files("lareqa", Split.TEST), "de")
    assert (first.answer.text, second.answer.text) == ("Der Hund schläft im Garten.", "Die Katze trinkt Milch.")
    assert {p.text for p in first.others} == {"Die Katze trinkt Milch.", "Es regnet."}
    assert third.answer.id == "1-0" and first.answer.context.endswith("Es regnet.")
    turkish = opened(FIXTURES, tmp_path).load(files("lareqa", Split.TEST), "tr")
    assert [e.sought for e in turkish] == [first.sought, second.sought, third.sought]
    trained = opened(FIXTURES, tmp_path).load(files("lareqa", Split.TRAIN), "en")
    assert all(e.answer.text in e.answer.context and not e.others for e in trained)


@pytest.mark.parametrize(
    ("language", "candidates"), [("en", 1180), ("de", 1276), ("es", 1215), ("tr", 1167), ("zh", 1196)]
)
def test_the_real_xquad_r(benchmark_files: Path, tmp_path: Path, language: str, candidates: int) -> None:
    examples = opened(benchmark_files, tmp_path).load(files("lareqa", Split.TEST), language)
    assert len(examples) == 1190
    assert len({p.id for e in examples for p in (e.answer, *e.others)}) == candidates


def test_sentences_of_squad_are_found_as_xquad_r_marks_them(benchmark_files: Path) -> None:
    from backend.domain.tasks.lareqa import sentences

    marked = right = 0
    for article in json.loads((benchmark_files / "lareqa/xquad-r/en.json").read_text())["data"]:
        for paragraph in article["paragraphs"]:
            official = {tuple(pair) for pair in paragraph["sentence_breaks"]}
            marked += len(official)
            right += len(official & set(sentences(paragraph["context"])))
    assert (right, marked) == (1157, 1180)
    text = " Dr. J. Smith left. the end? Yes! "
    assert [text[b:e] for b, e in sentences(text)] == ["Dr. J. Smith left.", "the end?", "Yes!"]
    assert list(sentences("  ")) == []


def test_mewslix_files(tmp_path: Path) -> None:
    door = opened(FIXTURES, tmp_path)
    ulm, minster = door.load(files("mewslix", Split.TEST), "de")
    assert ulm.query == "Ulm: In { Ulm } (seit gestern) steht das Münster unter Wasser."
    assert (ulm.sought, minster.sought, ulm.answer) == ("Q1", "Q2", None)
    (pair,) = door.load(files("mewslix", Split.TRAIN), "en")
    assert pair.query == "Ulm: Our ferry calls at { Ulm } ."
    assert pair.answer == Passage("Q1", "Ulm is a city on the Danube. It has a tall church.")
    pool = door.load(files("mewslix", Split.CANDIDATES), "en")
    assert [e.sought for e in pool] == ["Q1", "Q2", "Q3"] and all(e.query is None for e in pool)


def test_the_real_mewslix_mentions(benchmark_files: Path, tmp_path: Path) -> None:
    (tmp_path / "mewslix").mkdir()
    source = benchmark_files / "mewslix/example_mentions.jsonl"
    (tmp_path / "mewslix/wikinews_mentions-test.jsonl").write_bytes(source.read_bytes())
    english = opened(tmp_path, tmp_path).load(files("mewslix", Split.TEST), "en")
    assert english[0].sought == "Q1757"
    assert english[0].query.startswith("Helsinki: In { Helsinki } , the Finnish trade union for bus and truck drivers")
    assert opened(tmp_path, tmp_path).load(files("mewslix", Split.TEST), "ar")


def test_bucc_files(tmp_path: Path) -> None:
    examples = opened(FIXTURES, tmp_path).load(files("bucc", Split.TEST), "de")
    assert [(e.id, e.english, e.translations) for e in examples] == [
        ("de-1", False, ("en-2",)), ("de-2", False, ()), ("de-3", False, ("en-1",)),
        ("en-1", True, ()), ("en-2", True, ()), ("en-3", True, ()), ("en-4", True, ()),
    ]  # fmt: skip


def test_files_that_lie_beside_are_needed_and_pinned(tmp_path: Path, tiny: Callable[..., Any]) -> None:
    (tmp_path / "bucc2018").mkdir()
    for path in (FIXTURES / "bucc2018").glob("de-en.test.*"):
        (tmp_path / "bucc2018" / path.name).write_bytes(path.read_bytes())
    pins = []
    for text in ("de-1\ten-2\n", "de-1\ten-1\n"):
        (tmp_path / "bucc2018/de-en.test.gold").write_text(text)
        door = opened(tmp_path, tmp_path)
        door.scored(files("bucc", Split.TEST), "de", tiny(), 48, 0)
        pins.append(door.resolved["bucc/de/test"])
    assert pins[0] != pins[1]
    (tmp_path / "bucc2018/de-en.test.gold").unlink()
    with pytest.raises(MissingData, match=r"looked for .*de-en\.test\.gold$"):
        opened(tmp_path, tmp_path).load(files("bucc", Split.TEST), "de")


def test_tatoebas_originals(tmp_path: Path) -> None:
    examples = opened(FIXTURES, tmp_path).load(files("tatoeba", Split.VALIDATION), "de")
    assert examples == [
        Bitext("0", "Die Katze schläft.", "The cat is asleep."),
        Bitext("1", "Es regnet heute.", "It is raining today."),
    ]


@pytest.mark.parametrize(("language", "count"), [("sw", 390), ("pl", 1000), ("zh", 1000), ("fa", 1000)])
def test_the_real_tatoeba(benchmark_files: Path, tmp_path: Path, language: str, count: int) -> None:
    examples = opened(benchmark_files, tmp_path).load(files("tatoeba", Split.VALIDATION), language)
    assert len(examples) == count
    assert sum(e.english.isascii() for e in examples) > 0.9 * count > 0  # the two sides are not the other way round


GOOD = '{"context": {"language": "de", "text": "ab", "sentence_spans": []}, "mentions": []}\n'
BAD: list[tuple[str, Split, str, str, str]] = [
    ("bucc", Split.TEST, "bucc2018/de-en.test.de", "de-1\tx\nde-2 y\n", r"de-en.test.de, line 2: expected id<TAB>sentence"),
    ("bucc", Split.TEST, "bucc2018/de-en.test.de", "de-1\tx\nde-1\ty\n", "line 2: expected an id that no earlier line has"),
    ("bucc", Split.TEST, "bucc2018/de-en.test.gold", "de-1\ten-9\n", r"gold, line 1: expected an id of de-en.test.en, found 'en-9'"),
    ("bucc", Split.TEST, "bucc2018/de-en.test.gold", "de-9\ten-1\n", r"gold, line 1: expected an id of de-en.test.de, found 'de-9'"),
    ("tatoeba", Split.VALIDATION, "tatoeba/v1/tatoeba.deu-eng.deu", "Die Katze schläft.\n", r"deu-eng.deu, line 2: expected a sentence, as the other"),
    ("tatoeba", Split.VALIDATION, "tatoeba/v1/tatoeba.deu-eng.eng", "The cat is asleep.\n\n", r"deu-eng.eng, line 2: expected a sentence, as the other"),
    ("mewslix", Split.TEST, "mewslix/wikinews_mentions-test.jsonl", GOOD + "{\n", "line 2: expected a JSON object with context, mentions"),
    ("mewslix", Split.TEST, "mewslix/wikinews_mentions-test.jsonl", '{"mentions": []}\n', "line 1: expected a JSON object with context"),
    ("mewslix", Split.TEST, "mewslix/wikinews_mentions-test.jsonl", GOOD.replace("[]}\n", '[{"example_id": "m", "mention_span": {"start": 0, "end": 1, "text": "b"}}]}\n'), "line 1, mention m: expected 'b' at characters 0 to 1 of its text, found 'a'"),
    ("mewslix", Split.TEST, "mewslix/wikinews_mentions-test.jsonl", GOOD.replace("[]}\n", '[{"example_id": "m"}]}\n'), "line 1: expected context"),
    ("mewslix", Split.CANDIDATES, "mewslix/candidate_set_entities.jsonl", '{"entity_id": "Q1"}\n', "line 1: expected a JSON object with entity_id, description"),
    ("lareqa", Split.TEST, "lareqa/xquad-r/de.json", '{"data": [\n', "line 2: expected JSON"),
    ("lareqa", Split.TEST, "lareqa/xquad-r/de.json", '{"data": [{"paragraphs": [{"qas": []}]}]}', "paragraph 0: expected data"),
    ("lareqa", Split.TEST, "lareqa/xquad-r/de.json", '{"data": [{"paragraphs": [{"context": "ab", "sentence_breaks": [[0, 3]], "qas": []}]}]}', r"paragraph 0: expected sentence_breaks .* within its 2 characters, found \[0, 3\]"),
    ("lareqa", Split.TEST, "lareqa/xquad-r/de.json", '{"data": [{"paragraphs": [{"context": "ab", "qas": [{"id": "q", "question": "?", "answers": [{"text": "c", "answer_start": 7}]}]}]}]}', "question q: expected answer_start within the 2 characters of its context, found 7"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "split", "name", "text", "message"), BAD)
def test_malformed_files_say_where_and_what_was_expected(
    tmp_path: Path, task: str, split: Split, name: str, text: str, message: str
) -> None:
    for path in FIXTURES.glob(f"{name.split('/')[0]}/**/*.*"):
        copy = tmp_path / path.relative_to(FIXTURES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / name).write_text(text)
    with pytest.raises(Exception, match=message) as raised:
        opened(tmp_path, tmp_path).load(files(task, split), "de")
    assert type(raised.value).__name__ == "Malformed"
    assert str(tmp_path) in str(raised.value)
