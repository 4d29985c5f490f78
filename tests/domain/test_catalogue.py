"""The catalogue tests itself: every task, every model, and what adding a task costs."""

import textwrap

import pytest

from backend.domain import mini
from backend.domain.language import LANGUAGES
from backend.domain.mini.formats import TASKS as MINI_TASKS
from backend.domain.model import MODELS, Architecture
from backend.domain.task import SHAPE, UNTRAINED, Choice, Format, Role, Source, Split, Task
from backend.domain.tasks import INTERMEDIATE, TARGETS, TASKS, discover

TASK = """
from backend.domain.task import Format, Pair, Role, Split, Task
from backend.domain.training import Training

TASK = Task(
    name="{name}", title="T", summary="S", version=1, format=Format.CLASSIFICATION, roles=frozenset({{Role.TARGET}}),
    languages=("{language}",), labels=("no", "yes"), metrics=("accuracy",), trained_on="{trained_on}",
    licence="L", citation="C",
    training=Training(learning_rate=1e-5, batch_size=8, epochs=1),
    read=lambda row: Pair(row["id"], row["text"], None, row["label"]),
)
"""


def write(folder, file, **values):
    text = TASK.format(**{"name": "pawsx", "language": "de", "trained_on": "pawsx"} | values)
    (folder / file).write_text(textwrap.dedent(text))


def test_a_task_is_one_file(tmp_path):
    write(tmp_path, "pawsx.py")
    found = discover([tmp_path])
    assert list(found) == ["pawsx"] and found["pawsx"].headline == "accuracy"


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("paws.py", {}, "paws.py declares a task named 'pawsx'"),
        ("pawsx.py", {"language": "dee"}, "unknown language 'dee'; did you mean"),
        ("pawsx.py", {"trained_on": "mlni"}, "unknown task 'mlni'"),
    ],
)
def test_a_wrong_file_stops_the_import_and_names_itself(tmp_path, file, values, message):
    write(tmp_path, file, **values)
    with pytest.raises(ValueError, match=message):
        discover([tmp_path])


def test_a_file_without_a_task_or_that_breaks_is_an_error(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match=r"empty.py declares no TASK"):
        discover([tmp_path])
    (tmp_path / "empty.py").write_text("1/0\n")
    with pytest.raises(ValueError, match=r"empty.py cannot be loaded: division by zero"):
        discover([tmp_path])


def test_two_files_of_one_name_collide(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "pawsx.py")
    with pytest.raises(ValueError, match="two files declare the task 'pawsx'"):
        discover([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
class TestEveryTask:
    def test_is_complete(self, task: Task):
        assert task.roles and task.licence and task.citation and task.summary.endswith(".")
        assert task.hub or task.files
        assert task.trained_on is None or Split.TRAIN in TASKS[task.trained_on].sizes
        if Role.INTERMEDIATE in task.roles:
            assert task.training is not None and task.languages == ("en",)

    def test_languages_are_in_the_table(self, task: Task):
        assert set(task.languages) | set(task.mini_languages) <= set(LANGUAGES)
        assert set(task.mini_languages) <= set(mini.LANGUAGES)

    def test_mini_rows_can_be_read_into_the_shape_of_the_format(self, task: Task):
        if task.mini is None:
            pytest.fail(f"{task.name} has no mini version")
        splits = [Split(s) for s in mini.SIZES[task.mini]]
        assert task.evaluated_on in splits or task.evaluated_on.value in mini.SIZES[task.mini]
        for split in splits:
            english_only = split is Split.TRAIN or split.value in MINI_TASKS[task.mini].english_only
            for language in ("en",) if english_only else task.mini_languages:
                rows = list(mini.rows(task.mini, language, split.value))
                assert len(rows) == mini.SIZES[task.mini][split.value]
                for row in rows[:20]:
                    example = task.read(row)
                    assert type(example) is SHAPE[task.format]
                    assert not isinstance(example, Choice) or len(example.options) == task.options

    def test_mini_version_has_settings(self, task: Task):
        if task.format not in UNTRAINED:
            assert task.mini_training is not None


def test_every_target_has_enough_mini_languages_and_every_format_is_covered():
    """Eight, or all that the real data set and the mini world have in common."""
    for name in TARGETS:
        common = set(TASKS[name].languages) & set(mini.LANGUAGES)
        assert len(TASKS[name].mini_languages) >= 8 or set(TASKS[name].mini_languages) == common, name
    assert {TASKS[t].format for t in TARGETS} == set(Format)
    assert {
        "anli", "ccg", "commonsenseqa", "copa", "cosmosqa", "hellaswag", "mnli", "qqp", "siqa", "snli", "squad", "squad_v2"
    } <= set(INTERMEDIATE)  # fmt: skip
    assert {"mlqa", "panx", "pawsx", "tatoeba", "tydiqa", "udpos", "xcopa", "xnli", "xquad"} <= set(TARGETS)


def test_there_are_three_mini_encoders_that_differ_in_depth():
    sizes = [m for m in MODELS.values() if Source.MINI in m.sources]
    assert len({m.architecture.layers for m in sizes}) >= 3
    assert len({(m.architecture.hidden, m.architecture.vocabulary) for m in sizes}) == 1


def test_published_sizes_follow_from_the_architectures():
    """Against the totals seen in model cards and papers (XLM-R base 270–279 M, large 550–560 M, mBERT 177–178 M)."""
    millions = {name: m.parameters / 1e6 for name, m in MODELS.items()}
    assert 270 <= millions["xlmr-base"] <= 279
    assert 550 <= millions["xlmr-large"] <= 560
    assert 177 <= millions["mbert"] <= 178
    assert round(MODELS["xlmr-base"].parameters_non_embedding / 1e6) == 85


def test_parameters_split_into_embeddings_and_the_rest():
    a = Architecture(kind="bert", layers=2, hidden=8, heads=2, feed_forward=16, vocabulary=100, positions=20, types=2)
    assert a.parameters == a.parameters_embedding + a.parameters_non_embedding
    assert a.parameters_non_embedding == 2 * (4 * (64 + 8) + 2 * 8 * 16 + 16 + 8 + 32)
    with pytest.raises(ValueError, match="multiple of heads"):
        Architecture(kind="bert", layers=2, hidden=9, heads=2, feed_forward=16, vocabulary=100, positions=20, types=2)
