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
        ("siqa>copa", RecipeKind.CHAIN, ("copa",)),
        ("mnli+squad>copa+siqa", RecipeKind.CHAIN, ("copa", "siqa")),
        ("control:siqa>copa", RecipeKind.CONTROL_TARGET, ("copa",)),
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


@pytest.mark.parametrize(
    "text", ["siqa>", ">copa", "siqa>>copa", "mnli+", "", "siqa>copa+copa", "a+a>b", "a>" * 10 + "b"]
)
def test_a_chain_or_mix_with_a_gap_or_a_repeat_is_refused(text):
    with pytest.raises(ValueError, match="missing|named twice|at most 9"):
        Recipe.parse(text)


def test_a_name_that_the_store_could_not_keep_is_refused():
    stage = "+".join(f"{i:030d}" for i in range(10))
    assert len(Recipe.parse(f"{stage}>{stage}>{stage}").name) == 929
    with pytest.raises(ValidationError, match="1239 characters; at most 1000"):
        Recipe.parse(">".join([stage] * 4))


def test_only_a_chain_or_its_control_has_stages_before():
    with pytest.raises(ValidationError, match="kind mixed has one stage"):
        Recipe.model_validate({"kind": "mixed", "tasks": ["a", "b"], "before": [["c"]]})
    with pytest.raises(ValidationError, match="two or more stages"):
        Recipe.model_validate({"kind": "chain", "tasks": ["a"]})


def test_stages_of_a_chain_keep_what_was_changed_and_the_temperature_only_where_it_means_something():
    recipe = Recipe.parse("mnli+squad>copa@steps=9,temperature=2")
    assert recipe.stages == (("mnli", "squad"), ("copa",))
    assert [recipe.stage(i).name for i in (0, 1)] == ["mnli+squad@steps=9,temperature=2", "copa@steps=9"]
    assert recipe.up_to(0) == recipe.stage(0) and recipe.up_to(1) == recipe
    assert Recipe.parse("siqa>hellaswag>copa").up_to(1).name == "siqa>hellaswag"
    assert recipe.title == "mnli + squad, then copa"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnli@", "such as steps=400"),
        ("mnli@stepz=4", "'stepz=4'; known: .*steps"),
        ("mnli@steps=4,steps=5", "changed twice"),
        ("mnli@steps=x", "steps"),
        ("mnli+squad@temperature=0.5", "temperature"),
        ("mnli+squad@cap=0", "cap"),
        ("mnli+squad@sampling=even", "'proportional' or 'uniform'"),
        ("mnli+squad@cap=9,temperature=2", "one rule, not by temperature and cap"),
        ("siqa>copa@cap=9", "no stage of this recipe mixes"),
    ],
)
def test_a_change_that_cannot_be_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Recipe.parse(text)


@pytest.mark.parametrize(
    ("rule", "weights"),
    [
        ("", [0.8, 0.2]),
        ("@sampling=proportional", [0.8, 0.2]),
        ("@temperature=2", [2 / 3, 1 / 3]),  # the roots: 2 to 1
        ("@cap=3000", [0.6, 0.4]),
        ("@cap=100", [0.5, 0.5]),
        ("@sampling=uniform", [0.5, 0.5]),
    ],
)
def test_a_mix_is_drawn_by_its_rule(rule, weights):
    assert Recipe.parse("mnli+squad" + rule).weights([8000, 2000]) == pytest.approx(weights)


def test_the_default_rule_has_one_spelling_and_the_others_are_in_the_name():
    assert Recipe.parse("mnli+squad@sampling=proportional") == Recipe.parse("mnli+squad")
    assert Recipe.parse("mnli+squad@sampling=uniform").name == "mnli+squad@sampling=uniform"
    chain = Recipe.parse("mnli+squad>copa@cap=20000")
    assert (chain.name, chain.up_to(0).name, chain.stage(1).name) == (
        "mnli+squad>copa@cap=20000", "mnli+squad@cap=20000", "copa",
    )  # fmt: skip
    assert Recipe.parse(chain.name) == chain and Recipe.model_validate_json(chain.model_dump_json()) == chain


_TASK = st.sampled_from(["mnli", "squad", "siqa", "copa", "qqp"])
_STAGE = st.lists(_TASK, min_size=1, max_size=3, unique=True).map("+".join)
_NAMES = st.tuples(st.sampled_from(["", "control:", "control-mlm:"]), st.lists(_STAGE, min_size=1, max_size=4)).map(
    lambda parts: parts[0] + ">".join(parts[1])
)


@given(
    _NAMES,
    st.one_of(st.just(1.0), st.floats(1, 100)),
    st.builds(
        TrainingOverrides,
        examples=st.none() | st.integers(1, 10**9),
        steps=st.none() | st.integers(1, 10**7),
        learning_rate=st.none() | st.floats(1e-9, 1),
        epochs=st.none() | st.floats(0.001, 1000),
    ),
)
def test_every_name_reads_back_as_the_recipe(text, temperature, training):
    plain = Recipe.parse(text)
    recipe = Recipe.model_validate({**plain.model_dump(), "temperature": temperature, "training": training})
    assert Recipe.parse(recipe.name) == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


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


_CODES = st.lists(st.sampled_from(["en", "de", "sw", "zh", "qu"]), min_size=1, max_size=5, unique=True)


@given(
    _NAMES,
    st.none() | _CODES,
    st.none() | st.floats(0.01, 0.99),
    st.none() | _CODES,
    st.builds(TrainingOverrides, examples=st.none() | st.integers(1, 10**9), warmup=st.none() | st.floats(0, 1)),
)
def test_languages_and_mlm_are_in_the_name_and_in_every_stage(text, languages, mlm, mlm_languages, training):
    plain = Recipe.parse(text).model_dump()
    said = {"languages": languages, "mlm": mlm, "mlm_languages": mlm_languages if mlm else None, "training": training}
    recipe = Recipe.model_validate({**plain, **said})
    assert Recipe.parse(recipe.name) == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    for i in range(len(recipe.stages)):
        for part in (recipe.stage(i), recipe.up_to(i)):
            assert (part.languages, part.mlm, part.mlm_languages) == (
                recipe.languages,
                recipe.mlm,
                recipe.mlm_languages,
            )


def test_languages_have_one_spelling():
    assert Recipe.parse("mnli@languages=sw+en+de").name == "mnli@languages=en+de+sw"
    assert Recipe.parse("mnli@languages=en") == Recipe.parse("mnli")
    assert Recipe.parse("mnli@mlm=0.5,mlm_languages=de+en").name == "mnli@mlm=0.5,mlm_languages=en+de"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnli@languages=de+de", "named twice"),
        ("mnli@languages=German", "languages.0"),
        ("mnli@languages=", "languages.0"),
        ("mnli@mlm=0", "mlm"),
        ("mnli@mlm=1", "mlm"),
        ("mnli@mlm_languages=de", "give that share too, as in mlm=0.5"),
        ("none@mlm=0.5", "this recipe has none"),
        ("none@languages=de", "this recipe has none"),
    ],
)
def test_languages_and_shares_that_cannot_be_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Recipe.parse(text)


@pytest.mark.parametrize(
    ("mlm", "steps", "total", "of_mlm"),
    [(0.5, 100, 200, 100), (0.25, 300, 400, 100), (0.01, 10, 11, 1), (0.99, 1, 100, 99)],
)
def test_steps_of_mlm_come_on_top_and_are_the_share_that_was_asked_for(mlm, steps, total, of_mlm):
    recipe = Recipe.parse(f"mnli@mlm={mlm}")
    assert (recipe.with_mlm(steps), recipe.mlm_steps(total)) == (total, of_mlm)
    assert recipe.mlm_steps(2) == 1 and Recipe.parse("mnli").with_mlm(steps) == steps


@pytest.mark.parametrize("text", ["none@lora_rank=8", "control:mnli@lora_rank=8", "control-mlm:siqa>copa@lora_rank=8"])
def test_lora_needs_a_stage_that_it_is_the_training_of(text):
    with pytest.raises(ValidationError, match="has none; the stage on the target has finetuning.lora_rank"):
        Recipe.parse(text)


def test_lora_stands_after_the_at_and_goes_to_every_stage():
    recipe = Recipe.parse("siqa>copa@lora_rank=8;lora_dropout=0.1,frozen=2")
    assert recipe.name == "siqa>copa@frozen=2,lora_rank=8,lora_dropout=0.1"
    assert Recipe.parse(recipe.name) == recipe
    assert [recipe.stage(i).training.lora_rank for i in (0, 1)] == [8, 8]
