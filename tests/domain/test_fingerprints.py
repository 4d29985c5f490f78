"""Runs keep their identity: what is in a store was computed under these fingerprints, and must be found under them."""

import pytest

from backend.domain.model import Architecture
from backend.domain.recipe import Recipe
from backend.domain.run import DataSpec, DeviceClass, ModelSpec, RunKind, RunSpec, digest
from backend.domain.task import Source, Split
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training, TrainingOverrides

TRAINING = Training(learning_rate=2e-5, batch_size=32, epochs=2, max_length=128)


def spec(recipe: dict[str, object]) -> RunSpec:
    """An intermediate run whose parts do not move with the tasks, the mini world or the engine."""
    return RunSpec(
        kind=RunKind.INTERMEDIATE,
        engine=2,
        model=ModelSpec(checkpoint="xlm-roberta-base", revision="e73636d4", architecture=None),
        data=tuple(
            DataSpec(task="mnli", version=1, source=Source.HUB, split=split, content="abc")
            for split in (Split.TRAIN, Split.VALIDATION)
        ),
        recipe=Recipe.model_validate(recipe),
        training=TRAINING,
        languages=(),
        seed=1,
        precision="fp32",
        device=DeviceClass.CPU,
        parents=("0" * 64,),
    )


@pytest.mark.parametrize(
    ("recipe", "fingerprint"),
    [
        ({"kind": "none"}, "f5eada199f9c4e1f"),
        ({"kind": "single", "tasks": ["mnli"]}, "1dc27e2aabc841ab"),
        ({"kind": "mixed", "tasks": ["mnli", "squad"]}, "7bc6e94be9009f34"),
        ({"kind": "mixed", "tasks": ["mnli", "squad"], "temperature": 2}, "aa5f841c32fd72e3"),
        ({"kind": "control", "tasks": ["mnli"]}, "d3b16635c639d933"),
        ({"kind": "control-mlm", "tasks": ["mnli"]}, "e899adf2bd0cd428"),
        ({"kind": "single", "tasks": ["mnli"], "training": {"steps": 400, "learning_rate": 1e-4}}, "3e9563f571a5e23c"),
    ],
)
def test_a_recipe_of_before_keeps_its_fingerprint(recipe, fingerprint):
    assert spec(recipe).fingerprint[:16] == fingerprint


def test_pretraining_on_the_mini_world_keeps_its_fingerprint():
    """Also now that a run may read text of a user's own: there, and only there, it is part of what is digested."""
    shape = Architecture(
        kind="xlm-roberta", layers=2, hidden=128, heads=4, feed_forward=256, vocabulary=4000, positions=130, types=1
    )
    text = DataSpec(task="text", version=1, source=Source.MINI, split=Split.TRAIN, content="abc")
    changed = {
        "kind": RunKind.PRETRAIN, "recipe": None, "seed": None, "parents": (), "data": (text,),
        "model": ModelSpec(checkpoint=None, revision=None, architecture=shape),
        "training": Training(learning_rate=2e-3, batch_size=64, steps=3600, max_length=64),
    }  # fmt: skip
    made = spec({"kind": "none"}).model_copy(update=changed)
    assert made.fingerprint[:16] == "c4c78f965dda1cfe"
    own = TextSpec(languages=("sw",), files=(), exponent=0.3, masked=0.3)
    changes = (own, own.model_copy(update={"exponent": 0.7}), own.model_copy(update={"languages": ("en",)}))
    assert len({made.model_copy(update={"text": text}).fingerprint for text in (None, *changes)}) == 4


def test_training_of_before_keeps_its_place_in_the_settings_of_a_run():
    assert digest(TRAINING.model_dump(mode="json"))[:16] == "3651169bc52b644b"
    assert digest(TrainingOverrides(epochs=2).model_dump(mode="json"))[:16] == "3322a84148272ae8"
