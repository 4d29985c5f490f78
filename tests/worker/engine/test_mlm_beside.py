"""Multilingual MLM mixed into an intermediate stage: both streams are trained, on the text asked for, and resume exactly."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backend.domain import mini
from backend.domain.architecture import KINDS
from backend.domain.experiment import UNMASKED, ExperimentRequest, plan
from backend.domain.recipe import Recipe
from backend.domain.run import DataSpec, ModelSpec, RunKind, RunSpec
from backend.domain.task import Source, Split
from backend.domain.text import collect
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training
from worker.data import Door, MissingData
from worker.encoder import MLM_HEAD
from worker.formats import IGNORED
from worker.meter import Meter
from worker.mlm_beside import head_of, how, text_of, turns
from worker.outcomes import Stopped
from worker.pretrain import MlmStage, batches_of

World = Any
Notes = Any
TRAINING = Training(learning_rate=1e-3, batch_size=8, steps=12, max_length=48, evaluations=3)
TEXT = {
    "en": "the cat sleeps in the house number {}.",
    "sw": "paka analala nyumbani namba {}.",
    "de": "die Katze schläft, Haus {}.",
}


def beside(world: World, recipe: str, spec_data: Any, **changes: Any) -> RunSpec:
    tasks = Recipe.parse(recipe).tasks
    pairs = tuple(spec_data(t, s) for t in tasks for s in (Split.TRAIN, Split.VALIDATION))
    given = {"data": (*pairs, world.text()), "recipe": Recipe.parse(recipe), "training": TRAINING, **changes}
    spec: RunSpec = world.spec(RunKind.INTERMEDIATE, **given)
    return spec


def same(a: Path, b: Path) -> bool:
    ours, theirs = (
        {f"{p.name}:{k}": v for p in sorted(f.glob("*.safetensors")) for k, v in load_file(p).items()} for f in (a, b)
    )
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def folder_of_text(root: Path) -> Path:
    for code, line in TEXT.items():
        (root / "lines").mkdir(exist_ok=True)
        (root / f"lines/some.{code}.txt").write_text("\n".join(line.format(i) for i in range(60)), encoding="utf-8")
    return root


def on_folder(spec: RunSpec) -> RunSpec:
    text = DataSpec(task="text", version=1, source=Source.FILES, split=Split.TRAIN, content=None)
    return spec.model_copy(update={"data": (*spec.data[:-1], text), "folders": ("lines",)})


@pytest.mark.parametrize("seed", [0, 3])
def test_the_share_of_mlm_is_exact_and_its_order_follows_from_the_seed(seed: int) -> None:
    found = turns(40, 10, seed)
    assert found.sum() == 10 and np.array_equal(found, turns(40, 10, seed))
    assert not np.array_equal(found, turns(40, 10, seed + 1)) and 0 < found[:20].sum() < 10


def test_both_are_trained_and_the_head_goes_on_with_the_encoder(world: World, notes: Notes, spec_data: Any) -> None:
    said = notes()
    spec = beside(world, "copa@mlm=0.5", spec_data)
    _, job = world.run(spec, said)
    assert any("6 of 12 steps are masked language modelling on en, de, ru" in text for _, text in said.logs)
    assert {"dev/accuracy", "dev/mlm_loss", "loss"} <= set(said.curves) and said.steps[-1] == (12, 12)
    head = load_file(job.out / MLM_HEAD)
    assert float(head["bias"].abs().max()) > 0  # it began at zero
    assert not (job.out / "head.safetensors").exists()
    # the next stage, or more MLM, starts with that head
    after, _ = world.run(beside(world, "copa@mlm=0.25", spec_data, parents=(spec.fingerprint,)), name="next")
    assert after.parameters > 0


def test_a_mix_with_mlm_resumes_bit_for_bit(world: World, notes: Notes, spec_data: Any) -> None:
    """Stopped at random steps, of both kinds: weights, both heads and curves are those of a run that never stopped."""
    spec = beside(world, "copa+siqa@mlm=0.4,mlm_languages=de+sw", spec_data)
    whole = notes()
    _, job = world.run(spec, whole, name="whole")
    rng, stops, curves = random.Random(4), 0, {}
    while True:
        part = notes(stop_at=rng.randrange(2, 9) if stops < 3 else None)
        try:
            _, other = world.run(spec, part, name="parts")
            break
        except Stopped:
            stops += 1
        finally:
            for name, points in part.curves.items():
                curves.setdefault(name, {}).update(points)
    assert stops == 3 and part.resumptions
    assert same(job.out, other.out)
    assert curves == whole.curves


def test_only_the_languages_asked_for_are_read(world: World, tiny: Callable[..., Any], spec_data: Any) -> None:
    encoder = tiny()
    job = world.job(beside(world, "copa@mlm=0.5,mlm_languages=sw+de", spec_data))
    lines = text_of(job, encoder, 48, Door(None, world.cache, True))
    assert list(lines.train) == ["de", "sw"]
    order = list(mini.LANGUAGES)
    drawn = np.concatenate([*batches_of(lines, 8, 20, 1), lines.dev])
    assert {order[n] for n in lines.features.row["language"][drawn]} == {"de", "sw"}
    assert not set(lines.dev) & set(np.concatenate(list(lines.train.values())))


def test_a_folder_of_text_is_read_and_its_digest_recorded(
    world: World, notes: Notes, spec_data: Any, tmp_path: Path
) -> None:
    root = folder_of_text(tmp_path)
    said = notes()
    spec = on_folder(beside(world, "copa@mlm=0.5,mlm_languages=en+sw", spec_data))
    outcome, _ = world.run(spec, said, data_root=root)
    assert any("steps are masked language modelling on en, sw" in text for _, text in said.logs)
    assert len(outcome.environment["text"]) == 64
    job = replace(world.job(spec), data_root=root)
    (root / "lines/some.sw.txt").unlink()
    with pytest.raises(MissingData, match="there is no text of sw"):
        world.run(spec, name="gone", data_root=root)
    with pytest.raises(MissingData, match="no data root is set"):
        world.run(spec, name="nowhere")
    assert job.data_root == root


def test_text_that_the_encoder_was_pretrained_on_goes_on_as_it_was_drawn_there(
    world: World, notes: Notes, spec_data: Any, tmp_path: Path
) -> None:
    root = folder_of_text(tmp_path)
    own = TextSpec.of(collect(root, ["lines"]), exponent=0.5, masked=0.2)
    spec = on_folder(beside(world, "copa@mlm=0.5,mlm_languages=sw", spec_data)).model_copy(
        update={"folders": None, "text": own}
    )
    assert how(spec) == (0.5, 0.2)
    said = notes()
    world.run(spec, said, data_root=root)
    assert any("steps are masked language modelling on sw" in text for _, text in said.logs)
    assert how(beside(world, "copa@mlm=0.5", spec_data)) == (0.7, 0.3)  # the mini world's
    assert how(spec.model_copy(update={"folders": ("lines",), "text": None})) == (0.3, 0.15)  # as XLM-R


def test_what_is_planned_is_what_is_trained(world: World, notes: Notes) -> None:
    """From a request to a stage: translations beside English, and MLM in Swahili, of the plan's own data and steps."""
    recipe = Recipe.parse("copa+squad@languages=en+de,mlm=0.5,mlm_languages=sw,steps=8,cap=50,examples=40")
    asked = ExperimentRequest(name="x", models=("mini-1",), recipes=(recipe,), targets=("xcopa",))
    (run,) = [r for r in plan(asked).runs.values() if r.spec.kind is RunKind.INTERMEDIATE]
    spec = run.spec.model_copy(update={"parents": (), "model": world.spec(RunKind.PRETRAIN).model})
    said = notes()
    world.run(spec, said)
    assert said.steps[-1] == (8, 8) and run.examples == 2 * 2 * 40
    assert any(text == "4 of 8 steps are masked language modelling on sw" for _, text in said.logs)
    assert {"dev/copa/accuracy", "dev/squad/f1", "dev/mlm_loss"} <= set(said.curves)


#: Of those that attend and are tied alike one is enough in the quick suite.
EACH = [
    pytest.param(kind, marks=() if kind in ("bert", "deberta-v2", "modernbert", *UNMASKED) else pytest.mark.slow)
    for kind in sorted(KINDS)
]


@pytest.mark.parametrize("kind", EACH)
def test_every_architecture_that_is_accepted_can_do_it(
    world: World, notes: Notes, spec_data: Any, root: Path, tmp_path: Path, kind: str
) -> None:
    """Each a miniature of a published checkpoint: special sub-words are never hidden, and a stage runs; the others say why not."""
    model = ModelSpec(checkpoint=f"dir:{kind}", revision=None, architecture=None)
    data = folder_of_text(tmp_path)
    spec = on_folder(
        beside(
            world,
            "copa@mlm=0.5",
            spec_data,
            model=model,
            training=TRAINING.model_copy(update={"steps": 4, "evaluations": 1}),
        )
    )
    if kind in UNMASKED:
        with pytest.raises(ValueError, match="has no mask|cannot be tied"):
            world.run(spec, model_root=root, data_root=data)
        return
    said = notes()
    world.run(spec, said, model_root=root, data_root=data)
    assert np.isfinite(list(said.curves["dev/mlm_loss"].values())).all()


def test_special_sub_words_are_never_hidden_and_there_is_always_a_loss(
    world: World, tiny: Callable[..., Any], spec_data: Any
) -> None:
    encoder = tiny()
    job = world.job(beside(world, "copa@mlm=0.5", spec_data))
    lines = text_of(job, encoder, 48, Door(None, world.cache, True))
    stage = MlmStage(encoder, head_of(encoder), lines, batches_of(lines, 4, 30, 1), 1, Meter(job), 0.02)
    special = torch.tensor(encoder.tokenizer.all_special_ids)
    for step in range(30):  # so small a share that now and then nothing is chosen
        labels = stage.batch(step).token["labels"]
        chosen = labels[labels != IGNORED]
        assert len(chosen) and not torch.isin(chosen, special).any()


def test_with_lora_the_adapters_are_trained_by_both_and_merged(
    world: World, spec_data: Any, tiny: Callable[..., Any]
) -> None:
    training = TRAINING.model_copy(update={"lora_rank": 2, "lora_alpha": 4.0, "lora_dropout": 0.0})
    outcome, job = world.run(beside(world, "copa@mlm=0.5", spec_data, training=training))
    assert 0 < outcome.parameters_trainable < outcome.parameters
    after, before = load_file(job.out / "model.safetensors"), tiny(seed=1).module.state_dict()
    assert after.keys() == before.keys()  # the adapters are part of the weights they stood beside
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed and all(".dense." in name or ".self." in name for name in changed)
