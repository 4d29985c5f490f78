"""Oracle selection looks on: it changes nothing, and records what each language's own development data would have chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.domain.run import RunKind, RunSpec
from backend.domain.task import Source, Split
from backend.domain.training import Training
from worker import evaluate
from worker.outcomes import Score, Stopped

TRAINING = Training(learning_rate=3e-3, batch_size=8, steps=24, max_length=48, evaluations=4)
LANGUAGES = ("en", "sw")


def with_oracle(world: Any, spec_data: Any, target: str = "xcopa", trainer: str = "copa", **changes: Any) -> RunSpec:
    both = (spec_data(target, Split.VALIDATION), spec_data(target, Split.TEST))
    return world.on(trainer, **{"training": TRAINING, "languages": LANGUAGES, "oracle": both, **changes})


def by_language(scores: tuple[Score, ...], metric: str) -> dict[str, Score]:
    return {s.language: s for s in scores if s.metric == metric}


def same(a: Path, b: Path) -> bool:
    files = ("model.safetensors", "head.safetensors")
    pairs = [(load_file(a / f), load_file(b / f)) for f in files]
    return all(x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x) for x, y in pairs)


def test_looking_on_changes_nothing_and_finds_a_score_for_each_language(world: Any, spec_data: Any, notes: Any) -> None:
    plain = notes()
    _, without = world.run(world.on("copa", training=TRAINING), plain)
    seen = notes()
    outcome, job = world.run(with_oracle(world, spec_data), seen)
    assert same(job.out, without.out)
    assert {n: c for n, c in seen.curves.items() if not n.startswith("oracle/")} == plain.curves
    found = by_language(outcome.scores, "oracle/accuracy")
    assert {code: s.n for code, s in found.items()} == dict.fromkeys(LANGUAGES, 400)
    assert len(outcome.scores) == 2
    for code in LANGUAGES:
        assert sorted(seen.curves[f"oracle/{code}"]) == [6, 12, 18, 24]


def test_the_score_is_that_of_the_checkpoint_which_the_language_chooses(world: Any, spec_data: Any, notes: Any) -> None:
    """Held against evaluate runs of that very checkpoint: the training is done again with an English development score that is
    best there, so that its weights are what is kept."""
    seen = notes()
    outcome, _ = world.run(with_oracle(world, spec_data), seen)
    test = spec_data("xcopa", Split.TEST)
    chosen = {code: max(seen.curves[f"oracle/{code}"].items(), key=lambda p: (p[1], -p[0]))[0] for code in LANGUAGES}
    for code, step in chosen.items():
        spec = world.on("copa", training=TRAINING)
        name = f"until-{step}"
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # the checkpoint of this step is the best by English development data
            from worker import train

            score = train.TaskStage.evaluate
            step_of = iter(sorted(seen.curves["oracle/en"]))

            def only(self: Any, ask: Any, at: int = step, steps: Any = step_of, real: Any = score) -> Any:
                values, _ = real(self, ask)
                return values, 1.0 if next(steps) == at else 0.0

            patch.setattr(train.TaskStage, "evaluate", only)
            _, job = world.run(spec, name=name)
        evaluated, _ = world.run(
            world.spec(
                RunKind.EVALUATE, data=(test,), training=TRAINING, languages=(code,), parents=(spec.fingerprint,)
            ),
            name=name,
            inputs={spec.fingerprint: job.out},
        )
        assert by_language(outcome.scores, "oracle/accuracy")[code].value == evaluated.scores[0].value


def test_stopped_and_resumed_it_knows_what_it_saw(world: Any, spec_data: Any, notes: Any) -> None:
    spec = with_oracle(world, spec_data)
    whole = notes()
    outcome, job = world.run(spec, whole, name="whole")
    curves: dict[str, dict[int, float]] = {}
    stops = 0
    for stop_at in (9, 20, 40, None):
        part = notes(stop_at=stop_at)
        try:
            resumed, other = world.run(spec, part, name="parts")
        except Stopped:
            stops += 1
        for name, points in part.curves.items():
            curves.setdefault(name, {}).update(points)
    assert stops == 3
    assert same(job.out, other.out)
    assert resumed.scores == outcome.scores
    assert {n: c for n, c in curves.items() if n.startswith("oracle/")} == {
        n: c for n, c in whole.curves.items() if n.startswith("oracle/")
    }


@pytest.mark.parametrize(
    ("target", "trainer", "metrics"),
    [("xnli", "mnli", {"accuracy"}), ("udpos", "udpos", {"f1", "accuracy"}), ("mlqa", "squad", {"f1", "exact_match"})],
)
def test_every_format_has_its_own_metrics(
    target: str, trainer: str, metrics: set[str], world: Any, spec_data: Any
) -> None:
    training = TRAINING.model_copy(update={"steps": 2, "evaluations": 1, "stride": 12})
    outcome, _ = world.run(with_oracle(world, spec_data, target, trainer, training=training, languages=("ar",)))
    assert {s.metric for s in outcome.scores} == {f"oracle/{m}" for m in metrics}
    assert {s.language for s in outcome.scores} == {"ar"}


def test_a_language_without_data_of_its_own_is_left_out_and_said(
    world: Any, spec_data: Any, notes: Any, tmp_path: Path
) -> None:
    """Files where English has both sets, German one for both, and Spanish none."""
    folder = tmp_path / "data" / "xnli" / "original" / "XNLI-1.0"
    folder.mkdir(parents=True)
    head = "language\tgold_label\tsentence1\tsentence2"
    lines = {code: f"{code}\tneutral\tA {code} b c.\tA d." for code in ("en", "de")}
    (folder / "xnli.dev.tsv").write_text("\n".join([head, *lines.values()]) + "\n")
    (folder / "xnli.test.tsv").write_text("\n".join([head, lines["en"].replace("b c", "e f"), lines["de"]]) + "\n")
    data = tuple(
        spec_data("xnli", s, Source.FILES).model_copy(update={"content": "x"}) for s in (Split.VALIDATION, Split.TEST)
    )
    seen = notes()
    training = TRAINING.model_copy(update={"steps": 2, "evaluations": 1})
    outcome, _ = world.run(
        world.on("mnli", training=training, languages=("en", "de", "es"), oracle=data),
        seen,
        data_root=tmp_path / "data",
    )
    assert [(s.language, s.n) for s in outcome.scores] == [("en", 1)]
    said = [message for level, message in seen.logs if level == "warning"]
    assert any("no oracle selection in de: its development data are what it is scored on" in m for m in said)
    assert any("no oracle selection in es: xnli, es, validation (files): it holds no examples" in m for m in said)


def test_test_data_are_read_only_where_a_languages_development_got_better(
    world: Any, spec_data: Any, notes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker import oracle

    sizes: list[int] = []
    predict = evaluate.predict

    def counted(encoder: Any, head: Any, behaviour: Any, features: Any, **more: Any) -> Any:
        sizes.append(len(features))
        return predict(encoder, head, behaviour, features, **more)

    monkeypatch.setattr(oracle, "predict", counted)
    seen = notes()
    world.run(with_oracle(world, spec_data, languages=("sw",)), seen)
    values = [v for _, v in sorted(seen.curves["oracle/sw"].items())]
    better = sum(v > max(values[:i], default=-1) for i, v in enumerate(values))
    assert (sizes.count(100), sizes.count(400)) == (4, better)
