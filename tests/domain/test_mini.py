"""The mini world: the same bytes everywhere, the shapes of the real data sets, and no way around the knowledge."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice, pairwise

import pytest

from backend.domain import mini
from backend.domain.mini import world
from backend.domain.mini.draw import Draw, Zipf
from backend.domain.mini.formats import TASKS
from backend.domain.mini.formats.item import split_of
from backend.domain.mini.formats.tagging import TAGS
from backend.domain.mini.lexicon import LEXICONS

Row = dict[str, object]


@cache
def rows(task: str, language: str, split: str) -> tuple[Row, ...]:
    return tuple(mini.rows(task, language, split))


def streams() -> Iterator[tuple[str, str, str]]:
    """Every task, language and split that there is."""
    for name, task in TASKS.items():
        for split in task.sizes:
            for language in task.languages.split():
                if split not in task.english_only or language == "en":
                    yield name, language, split


STREAMS = tuple(streams())


# --- determinism ---------------------------------------------------------------------------------------------------

GOLDEN_TEXT: dict[str, str] = {
    "en": "b89373f833194dd4",
    "de": "49351ebd7ea06a77",
    "ru": "a97ea9c8eb7ed65b",
    "ar": "2ddce0fd46ca019f",
    "hi": "ef3646e68a3b7596",
    "tr": "8286177ecb48e263",
    "sw": "e306048960a5b168",
    "id": "773e87818f4ccd9d",
    "vi": "4b2d10f9b7fbaa63",
    "zh": "6a9ec3cb2b82ea8b",
    "ta": "babefcea091768ed",
    "et": "dc5122ae8fadbbc6",
}
GOLDEN_ROWS: dict[str, str] = {
    "mnli en train": "97354d500dae7b15",
    "mnli en validation": "4fd435b2ba5cb2a4",
    "squad en train": "d5d8e5f6fd726e9d",
    "squad en validation": "72dbd68a4a950520",
    "hellaswag en train": "8a01a402aa44dbef",
    "hellaswag en validation": "e301a61d548d18e6",
    "copa en train": "63bdfa82259703df",
    "copa en validation": "8db4ee76f21c5169",
    "xnli en validation": "799f14e23f5ba7b7",
    "xnli de validation": "5f7b53f8974d1770",
    "xnli ru validation": "51d9e84ee7fbbfdc",
    "xnli ar validation": "a16203192bbb99f9",
    "xnli hi validation": "56b89f6bc29bdf0f",
    "xnli tr validation": "ffa258d0950c53c2",
    "xnli sw validation": "059da4bc7da92ba3",
    "xnli vi validation": "bdd3f093c279532f",
    "xnli zh validation": "3147f7a3875e9566",
    "xnli en test": "1778ab9dce24f0e7",
    "xnli de test": "1d48b4b27a479cb2",
    "xnli ru test": "3c6e66f4e6ec84d2",
    "xnli ar test": "71da82e73e04d3c0",
    "xnli hi test": "307ae19c5a6dc308",
    "xnli tr test": "7456654d8febd9de",
    "xnli sw test": "85ec60a8b25b12bb",
    "xnli vi test": "6eaf89e92609eced",
    "xnli zh test": "ffb6f776e2f206e4",
    "xcopa en validation": "3e81959ef306e595",
    "xcopa et validation": "1aec8c5d5aa9865f",
    "xcopa id validation": "c2c4610fb33db3c4",
    "xcopa sw validation": "bb141ace7fd049f6",
    "xcopa ta validation": "f6a19afedf21c252",
    "xcopa tr validation": "9c5d216f1e07f4f8",
    "xcopa vi validation": "f46d3ec962a986b4",
    "xcopa zh validation": "f107afdd9e2338ba",
    "xcopa en test": "4a9087484e88cffc",
    "xcopa et test": "9686d04022835b71",
    "xcopa id test": "5e250d513e6a7cdd",
    "xcopa sw test": "fdabd7ce60955ecc",
    "xcopa ta test": "b8c5db46633c8bd7",
    "xcopa tr test": "afdc4faf2b013007",
    "xcopa vi test": "245feb853483578b",
    "xcopa zh test": "2d623f21e18db77e",
    "udpos en train": "ffc894f3d5e34fc6",
    "udpos en validation": "cde6523a4a8586fb",
    "udpos de validation": "a8616530019c04f5",
    "udpos ru validation": "0a1215d306f2ab6d",
    "udpos ar validation": "853ba4956b09dae1",
    "udpos hi validation": "d8e89d7fe0da41bc",
    "udpos tr validation": "8bf9d4ee5ec5ce54",
    "udpos id validation": "96d1ff054d481bf2",
    "udpos vi validation": "1ed44646d56a97e3",
    "udpos zh validation": "9c446b3fce293656",
    "udpos ta validation": "b9a1cd048814d3c5",
    "udpos et validation": "27edcb6e2609e108",
    "udpos en test": "5aab8dc17552e3c2",
    "udpos de test": "77306dd902e5b7f7",
    "udpos ru test": "1fc2b216ac436b70",
    "udpos ar test": "67ecf70cc720d1ca",
    "udpos hi test": "58c919e6c1f7f44a",
    "udpos tr test": "f96ab15ff7c113bc",
    "udpos id test": "930ab2bd766a4411",
    "udpos vi test": "1b531fd0b67cc4b0",
    "udpos zh test": "d0c82b0bab3c5b78",
    "udpos ta test": "b02cf7d3fdbb9cc8",
    "udpos et test": "d7bd19ec07883b63",
    "xquad en validation": "37795402eb4efea4",
    "xquad de validation": "6bc27c21183b804f",
    "xquad ru validation": "70e05a5a970d7370",
    "xquad ar validation": "babb7af60c05a099",
    "xquad hi validation": "84a825a96082a4a1",
    "xquad tr validation": "5ba93b3692ca8133",
    "xquad vi validation": "5cfe3bd94cf78cc2",
    "xquad zh validation": "4a58cab0a033b319",
    "tatoeba de validation": "5e09557927e63ef6",
    "tatoeba ru validation": "cfd8d395ecb29d75",
    "tatoeba ar validation": "d3532e72889f4caa",
    "tatoeba hi validation": "133634be92b26fcc",
    "tatoeba tr validation": "4c918a8ff409053f",
    "tatoeba sw validation": "fe8a290f2e22bd8e",
    "tatoeba id validation": "c79e1beb0cf5e23f",
    "tatoeba vi validation": "26ddfc179d34d617",
    "tatoeba zh validation": "218b6fc63c07422b",
    "tatoeba ta validation": "fc14bade26edfab2",
    "tatoeba et validation": "6b69bc3c4e9abd7b",
}


def fingerprint(values: Iterator[object]) -> str:
    """Of the first forty."""
    text = json.dumps(list(islice(values, 40)), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprints() -> tuple[dict[str, str], dict[str, str]]:
    return (
        {language: fingerprint(mini.text(language)) for language in mini.LANGUAGES},
        {" ".join(stream): fingerprint(mini.rows(*stream)) for stream in STREAMS},
    )


def test_the_bytes_are_those_of_this_version():
    """Change anything that changes a row, and GENERATOR_VERSION must rise with the digests."""
    assert mini.GENERATOR_VERSION == 1
    assert fingerprints() == (GOLDEN_TEXT, GOLDEN_ROWS)


def test_another_process_with_another_hash_seed_makes_the_same_rows():
    code = (
        "import hashlib, json; from backend.domain import mini;"
        "rows = [list(mini.rows('xnli', 'tr', 'test')), list(mini.rows('copa', 'en', 'train')),"
        " list(mini.rows('hellaswag', 'en', 'validation')), list(mini.text('ta', limit=200))];"
        "print(hashlib.sha256(json.dumps(rows).encode()).hexdigest())"
    )
    seen = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1


def test_streams_do_not_depend_on_each_other():
    first = list(islice(mini.rows("udpos", "de", "test"), 20))
    list(mini.rows("udpos", "ru", "test"))
    assert list(islice(mini.rows("udpos", "de", "test"), 20)) == first


def test_draw_is_what_its_name_says():
    assert [Draw("a", 1).below(1000) for _ in range(2)] == [Draw("a", 1).below(1000)] * 2
    assert Draw("a", 1).below(1000) != Draw("a", 2).below(1000)
    draw = Draw("some")
    assert sorted(draw.some(range(9), 9)) == list(range(9))
    drawn = Counter(Zipf("abcde").draw(draw) for _ in range(5000))
    assert [letter for letter, _ in drawn.most_common()] == list("abcde")


def test_parameters_are_plain_json():
    parameters = mini.fingerprint_parameters()
    assert json.loads(json.dumps(parameters)) == parameters
    assert parameters["version"] == mini.GENERATOR_VERSION


# --- shapes --------------------------------------------------------------------------------------------------------

NLI = {"premise": str, "hypothesis": str, "label": int}
COPA = {"premise": str, "choice1": str, "choice2": str, "question": str, "label": int, "idx": int}
SHAPES: dict[str, dict[str, type]] = {
    "mnli": {**NLI, "idx": int},
    "xnli": NLI,
    "squad": {"id": str, "title": str, "context": str, "question": str, "answers": dict},
    "xquad": {"id": str, "context": str, "question": str, "answers": dict},
    "hellaswag": {
        "ind": int, "activity_label": str, "ctx_a": str, "ctx_b": str, "ctx": str, "endings": list, "source_id": str,
        "split": str, "split_type": str, "label": str,
    },
    "copa": COPA,
    "xcopa": {**COPA, "changed": bool},
    "udpos": {"tokens": list, "pos_tags": list},
    "tatoeba": {"source_sentence": str, "target_sentence": str, "source_lang": str, "target_lang": str},
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS, ids=" ".join)
def test_rows_have_the_shape_of_the_real_ones(stream: tuple[str, str, str]):
    task, _, split = stream
    made = rows(*stream)
    assert len(made) == mini.SIZES[task][split]
    shape = list(SHAPES[task].items())
    for row in made:
        assert [(column, type(value)) for column, value in row.items()] == shape


@pytest.mark.parametrize("stream", STREAMS, ids=" ".join)
def test_no_row_comes_twice(stream: tuple[str, str, str]):
    without = {"id", "idx", "ind", "label"}
    seen = [json.dumps({k: v for k, v in row.items() if k not in without}) for row in rows(*stream)]
    # Two abstract items may be said alike in a language without pronouns, plurals or a difference of two words.
    assert len(set(seen)) >= 0.98 * len(seen)


def test_what_does_not_exist_is_named():
    for arguments, said in (
        (("snli", "en", "train"), "no mini task 'snli'"),
        (("mnli", "de", "train"), "mini mnli has no 'de'"),
        (("udpos", "de", "train"), "mini udpos has no 'train' in 'de'"),
        (("squad", "en", "test"), "mini squad has no 'test'"),
    ):
        with pytest.raises(KeyError, match=said):
            mini.rows(*arguments)


def test_languages_and_tasks_are_those_of_the_benchmark():
    assert set(mini.LANGUAGES) == set(mini.TEXT_SENTENCES) == set(LEXICONS)
    assert len(mini.LANGUAGES) == 12
    for task in TASKS.values():
        assert set(task.languages.split()) <= set(mini.LANGUAGES)


@pytest.mark.parametrize("task", ["squad", "xquad"])
def test_answers_stand_where_they_are_said_to_stand(task: str):
    split = "validation"
    for language in TASKS[task].languages.split():
        for row in rows(task, language, split):
            answers = row["answers"]
            assert isinstance(answers, dict) and isinstance(row["context"], str)
            [text], [start] = answers["text"], answers["answer_start"]
            assert text and text == text.strip()
            assert row["context"][start : start + len(text)] == text


def test_tags_are_those_of_xtreme():
    assert len(TAGS) == 17 and list(TAGS) == sorted(TAGS)
    for language in TASKS["udpos"].languages.split():
        for row in rows("udpos", language, "test"):
            tokens, tags = row["tokens"], row["pos_tags"]
            assert isinstance(tokens, list) and isinstance(tags, list)
            assert len(tokens) == len(tags) > 1
            assert all(isinstance(token, str) and token for token in tokens)
            assert all(0 <= tag < 17 for tag in tags)
            assert TAGS[tags[-1]] == "PUNCT"
            assert all((TAGS[tag] == "NUM") == token.isdigit() for token, tag in zip(tokens, tags, strict=True))
            assert all(TAGS[tag] == "PROPN" for token, tag in zip(tokens, tags, strict=True) if token in world.NAMES)


def test_the_part_of_speech_is_no_pure_lookup():
    """Some words have two tags, in English and elsewhere."""
    ambiguous = {}
    for language in TASKS["udpos"].languages.split():
        tags: dict[str, set[int]] = {}
        for split in ("validation", "test"):
            for row in rows("udpos", language, split):
                for token, tag in zip(row["tokens"], row["pos_tags"], strict=True):  # type: ignore[call-overload]
                    tags.setdefault(token, set()).add(tag)
        ambiguous[language] = {token for token, found in tags.items() if len(found) > 1}
    assert "open" in ambiguous["en"]
    assert sum(bool(words) for words in ambiguous.values()) >= 6


# --- parallel and apart ----------------------------------------------------------------------------------------------


def test_test_sets_are_parallel():
    """Row i has the same label, number and names in every language, and its English says which clause it is."""
    for task, split in (("xnli", "test"), ("xcopa", "test"), ("xquad", "validation")):
        english = rows(task, "en", split)
        for language in TASKS[task].languages.split():
            for row, other in zip(english, rows(task, language, split), strict=True):
                assert row.get("label") == other.get("label")
                assert row.get("idx", row.get("id")) == other.get("idx", other.get("id"))
                assert names_in(row) == names_in(other)


def names_in(row: Row) -> Counter[str]:
    text = json.dumps([value for key, value in row.items() if key not in ("id", "answers")], ensure_ascii=False)
    return Counter({name: text.count(name) for name in world.NAMES if name in text})


@pytest.mark.parametrize(
    ("train", "target"), [("mnli", "xnli"), ("copa", "xcopa"), ("squad", "xquad"), ("udpos", "udpos")]
)
def test_nothing_tested_was_trained_on(train: str, target: str):
    def keys(made: Sequence[Row]) -> set[str]:
        without = {"id", "idx", "ind", "label", "title", "changed"}
        return {json.dumps({k: v for k, v in row.items() if k not in without}, sort_keys=True) for row in made}

    trained = keys(rows(train, "en", "train"))
    assert not trained & keys(rows(train, "en", "validation"))
    for split in mini.SIZES[target]:
        if (train, split) != ("udpos", "train"):
            assert not trained & keys(rows(target, "en", split))


def test_hellaswag_continuations_are_new():
    def facts(split: str) -> set[tuple[object, object]]:
        return {
            (row["ctx"], row["endings"][int(row["label"])])  # type: ignore[index, call-overload]
            for row in rows("hellaswag", "en", split)
        }

    assert not facts("train") & facts("validation")


def test_splits_are_decided_by_wording():
    split = Counter(split_of(f"the cat sees {i} birds.") for i in range(4000))
    assert split["train"] > split["validation"] > 600 and split["test"] > 600


def test_translations_are_well_defined():
    for language in TASKS["tatoeba"].languages.split():
        made = rows("tatoeba", language, "validation")
        for side in ("source_sentence", "target_sentence"):
            assert len({row[side] for row in made}) == len(made)
        assert {row["source_lang"] for row in made} == {language}


def test_text_is_not_parallel():
    """Each language draws its own: hardly any line has the names and digits of the English line of its number."""
    english = list(mini.text("en", limit=400))
    for language in mini.LANGUAGES[1:]:
        other = list(mini.text(language, limit=400))
        assert sum(marks(a) == marks(b) != "" for a, b in zip(english, other, strict=True)) < 20


def marks(line: str) -> str:
    return " ".join(sorted(word for word in (*world.NAMES, *world.CITIES, *world.DIGITS) if word in line))


def test_text_sizes():
    amounts = mini.TEXT_SENTENCES
    assert amounts["en"] == max(amounts.values())
    assert min(amounts, key=amounts.__getitem__) == "ta" and amounts["ta"] * 8 <= amounts["en"]
    assert sum(1 for _ in mini.text("ta")) == amounts["ta"]
    assert sum(1 for _ in mini.text("en", limit=7)) == 7
    for language in mini.LANGUAGES:
        for line in mini.text(language, limit=300):
            assert 0 < len(line.split()) <= 40
            assert line == line.strip() and "  " not in line and "\n" not in line


# --- no way around ---------------------------------------------------------------------------------------------------


def naive_bayes(train: Sequence[tuple[set[str], int]], test: Sequence[tuple[set[str], int]]) -> float:
    """Accuracy of guessing the label from words (presence, add-one)."""
    classes = Counter(label for _, label in train)
    words: dict[int, Counter[str]] = {label: Counter() for label in classes}
    for found, label in train:
        words[label].update(found)

    def score(found: set[str], label: int) -> float:
        total = classes[label]
        return math.log(total) + sum(math.log((words[label][word] + 1) / (total + 2)) for word in found)

    right = sum(max(classes, key=lambda label: score(found, label)) == answer for found, answer in test)
    return right / len(test)


def bag(text: object) -> set[str]:
    """Words and pairs of words."""
    words = str(text).rstrip(".").split()
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


@pytest.mark.parametrize("part", ["hypothesis", "premise"])
def test_one_sentence_does_not_tell_the_label_of_nli(part: str):
    train = [(bag(row[part]), int(str(row["label"]))) for row in rows("mnli", "en", "train")]
    test = [
        (bag(row[part]), int(str(row["label"])))
        for row in (*rows("mnli", "en", "validation"), *rows("xnli", "en", "test"), *rows("xnli", "en", "validation"))
    ]
    assert naive_bayes(train, test) < 0.43


def test_a_choice_alone_does_not_tell_whether_it_is_right():
    def sides(made: Sequence[Row]) -> list[tuple[set[str], int]]:
        return [(bag(row[f"choice{i + 1}"]), int(row["label"] == i)) for row in made for i in (0, 1)]

    test = sides((*rows("xcopa", "en", "test"), *rows("xcopa", "en", "validation")))
    assert naive_bayes(sides(rows("copa", "en", "train")), test) < 0.58


def test_an_ending_alone_does_not_tell_whether_it_is_right():
    made = rows("hellaswag", "en", "train")
    lengths = [[len(ending.split()) for ending in row["endings"]] for row in made]  # type: ignore[attr-defined]
    labels = [int(str(row["label"])) for row in made]
    for extreme in (max, min):
        hits = sum(
            (found[label] == extreme(found)) / found.count(extreme(found))
            for found, label in zip(lengths, labels, strict=True)
        )
        assert hits / len(made) < 0.33


def test_labels_are_balanced():
    for task, split, column, n in (
        ("mnli", "train", "label", 3), ("xnli", "test", "label", 3), ("copa", "train", "label", 2),
        ("xcopa", "test", "label", 2), ("copa", "train", "question", 2), ("hellaswag", "train", "label", 4),
    ):  # fmt: skip
        counts = Counter(row[column] for row in rows(task, "en", split))
        assert len(counts) == n and max(counts.values()) - min(counts.values()) <= 1


def test_negation_and_kinds_are_balanced_in_hypotheses():
    for word in (" not ", " animal", " sleep"):
        found = Counter(row["label"] for row in rows("mnli", "en", "train") if word in str(row["hypothesis"]))
        assert min(found.values()) > 0.75 * max(found.values()), word


def test_answers_are_everywhere_in_the_paragraph():
    places = Counter()
    for row in rows("squad", "en", "train"):
        before = str(row["context"])[: row["answers"]["answer_start"][0]]  # type: ignore[index]
        places[before.count(". ")] += 1
    assert all(places[i] > 0.2 * sum(places.values()) for i in range(3))
