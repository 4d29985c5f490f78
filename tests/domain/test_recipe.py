import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backend.domain.recipe import BASELINE, Recipe, RecipeKind
from backend.domain.training import Training, TrainingOverrides


@pytest.mark.parametrize(
    ("text", "kind", "tasks"),
    [
        ("none", RecipeKind.NONE, ()),
        ("mnli", RecipeKind.SINGLE, ("mnli",)),
        ("mnli+squad", RecipeKind.MIXED, ("mnli", "squad")),
        ("control:mnli", RecipeKind.CONTROL_TARGET, ("mnli",)),
        ("control-mlm:mnli+squad", RecipeKind.CONTROL_MLM, ("mnli", "squad")),
    ],
)
def test_short_names_read_and_write_the_same(text, kind, tasks):
    recipe = Recipe.parse(text)
    assert (recipe.kind, recipe.tasks, recipe.name) == (kind, tasks, text)


def test_none_is_the_baseline():
    assert Recipe.parse(" none ") == BASELINE


@pytest.mark.parametrize(
    ("kind", "tasks"), [("none", ["mnli"]), ("single", []), ("single", ["a", "b"]), ("mixed", ["a"]), ("control", [])]
)
def test_number_of_tasks_follows_the_kind(kind, tasks):
    with pytest.raises(ValidationError, match=f"kind {kind} takes"):
        Recipe.model_validate({"kind": kind, "tasks": tasks})


def test_a_repeated_task_is_refused():
    with pytest.raises(ValidationError, match="named twice"):
        Recipe.parse("mnli+mnli")


@pytest.mark.parametrize("temperature", [float("nan"), float("inf"), 0.5])
def test_temperature_is_finite_and_at_least_one(temperature):
    with pytest.raises(ValidationError):
        Recipe(kind=RecipeKind.MIXED, tasks=("a", "b"), temperature=temperature)


def test_what_was_changed_is_in_the_name():
    recipe = Recipe(kind=RecipeKind.SINGLE, tasks=("mnli",), training=TrainingOverrides(steps=400))
    assert recipe.name == "mnli@steps=400"
    assert Recipe.parse("mnli").name != recipe.name


@given(st.integers(1, 10_000), st.integers(1, 512), st.floats(0.1, 20))
def test_steps_cover_the_epochs(examples, batch, epochs):
    training = Training(learning_rate=1e-3, batch_size=batch, epochs=epochs)
    per_epoch = -(-examples // batch)
    assert training.steps_for(examples) == max(1, round(per_epoch * epochs))


def test_overriding_epochs_drops_the_default_steps_and_the_reverse():
    base = Training(learning_rate=1e-3, batch_size=8, steps=50)
    assert TrainingOverrides(epochs=2).applied_to(base).steps_for(80) == 20
    assert (
        TrainingOverrides(steps=7).applied_to(base.model_copy(update={"epochs": 3.0, "steps": None})).steps_for(80) == 7
    )
    assert TrainingOverrides(learning_rate=0.5).applied_to(base).steps == 50


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_learning_rate_is_finite_and_positive(value):
    with pytest.raises(ValidationError, match="learning_rate"):
        TrainingOverrides(learning_rate=value)
