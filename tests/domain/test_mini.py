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
from backend.domain.experiment import mini_content
from backend.domain.language import LANGUAGES as LANGUAGE_NAMES
from backend.domain.mini import world
from backend.domain.mini.clause import Sentence, act, say
from backend.domain.mini.draw import Draw, Zipf
from backend.domain.mini.formats import TASKS
from backend.domain.mini.formats.categories import CATEGORIES, categories
from backend.domain.mini.formats.item import split_of
from backend.domain.mini.formats.tagging import TAGS
from backend.domain.mini.grammar import grammar
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
    "en": "bad79e6024bda2ec",
    "de": "40ddc7f2757ee8ad",
    "ru": "9b5701327caa1a6e",
    "ar": "63fd77374d296dbd",
    "hi": "333143f7036ed4cd",
    "tr": "8fa0b5594eb33bda",
    "sw": "2c237663ceb11faa",
    "id": "2ffe8a5ef36abbc2",
    "vi": "707f039e49eb164f",
    "zh": "d0edd3923e3934f8",
    "ta": "cfc3b9607ed68068",
    "et": "637e0a1838f5daa6",
}
GOLDEN_ROWS: dict[str, str] = {
    "mnli en train": "ed52f7b7f8dab226",
    "mnli en validation": "2926a22fb3be6bd2",
    "squad en train": "72e61eb88801ab6b",
    "squad en validation": "bcf9304f430709cb",
    "hellaswag en train": "fe9e11c8dcab4712",
    "hellaswag en validation": "72ff03514f686476",
    "copa en train": "f32d69eed8d3071b",
    "copa en validation": "5df313bc88475ccb",
    "xnli en validation": "f311349cbb6f7d18",
    "xnli de validation": "a81197df82f54d18",
    "xnli ru validation": "757b841cb62b506b",
    "xnli ar validation": "c86c0924c284173a",
    "xnli hi validation": "bab8b483a6cc2612",
    "xnli tr validation": "c59160fdcd0c61d9",
    "xnli sw validation": "af2dd3139a718bea",
    "xnli vi validation": "0b623de746cad87a",
    "xnli zh validation": "57cc9e7d64bb25d9",
    "xnli en test": "afa879bf89cc09d3",
    "xnli de test": "9e7011cdd6241e04",
    "xnli ru test": "1a8d4e0c0ec6554c",
    "xnli ar test": "064b7c6c8efe89c4",
    "xnli hi test": "d34682d62093c477",
    "xnli tr test": "d8f0772c5ff9ba20",
    "xnli sw test": "10d71fef065d6525",
    "xnli vi test": "6ee81a350e76fb48",
    "xnli zh test": "d3a2ec31ee2d2ed1",
    "xcopa en validation": "924720d9e262d44b",
    "xcopa et validation": "c6a9c19970b6f07b",
    "xcopa id validation": "6bcb4b7e204d1a82",
    "xcopa sw validation": "97770df821f48170",
    "xcopa ta validation": "73860f689929bd4a",
    "xcopa tr validation": "fdae496244f95302",
    "xcopa vi validation": "a609786e50388d62",
    "xcopa zh validation": "d1a6079c0b26daac",
    "xcopa en test": "62e80d219328d816",
    "xcopa et test": "12a8eeb88aef3c7a",
    "xcopa id test": "605e7a319ab7bc5c",
    "xcopa sw test": "f6432aab6810a0ee",
    "xcopa ta test": "28d3f11ebace5b22",
    "xcopa tr test": "e89ba7179f18933f",
    "xcopa vi test": "f41c03fab6a3c5bd",
    "xcopa zh test": "c0bda2cd30d9e289",
    "udpos en train": "8f49b119b5df623e",
    "udpos en validation": "e4f54720a60e9517",
    "udpos de validation": "5f9849126586ea2e",
    "udpos ru validation": "05638467f8d57240",
    "udpos ar validation": "09a0d11ba5ab0f24",
    "udpos hi validation": "9fb03ad0fef4fd14",
    "udpos tr validation": "803a974521b298b6",
    "udpos id validation": "024808a90799fd3a",
    "udpos vi validation": "a84970fdb2cd93a2",
    "udpos zh validation": "b861744fd7eb6840",
    "udpos ta validation": "3456a743dcbd899b",
    "udpos et validation": "9728fe9e9ccfb8e8",
    "udpos en test": "780427c87a3488a8",
    "udpos de test": "0c56b482ad9b2d8f",
    "udpos ru test": "817c7e96b3a0c02d",
    "udpos ar test": "963d5aa8e675d069",
    "udpos hi test": "f89fcfe97be61263",
    "udpos tr test": "3a4ed7868ae059f9",
    "udpos id test": "389d90a61d035962",
    "udpos vi test": "40247363165bfbd8",
    "udpos zh test": "6dfbd6e42a5821d8",
    "udpos ta test": "ac9a18a02b9da9e1",
    "udpos et test": "505a7ae562360ecf",
    "xquad en validation": "d492c6e214a7142e",
    "xquad de validation": "cc9d418662bcc4dc",
    "xquad ru validation": "9336abd461384524",
    "xquad ar validation": "e69bdc6018e202d6",
    "xquad hi validation": "95e6a63a50d45daa",
    "xquad tr validation": "647036f806b1e8ed",
    "xquad vi validation": "6747f560846cdb33",
    "xquad zh validation": "5e99fc541a0a0974",
    "tatoeba de validation": "735960335f69d1a6",
    "tatoeba ru validation": "baa2769a2d6c97a1",
    "tatoeba ar validation": "847a0a6d55b6b0bb",
    "tatoeba hi validation": "2f89ea586be4ec58",
    "tatoeba tr validation": "be94e1f79a1012ea",
    "tatoeba sw validation": "3630b18553ee14ad",
    "tatoeba id validation": "6b1f668f16051894",
    "tatoeba vi validation": "b02ddfc313708294",
    "tatoeba zh validation": "21f8b8ef315213b3",
    "tatoeba ta validation": "aeb0d66ffbc85635",
    "tatoeba et validation": "1ee55d1ba43931e0",
    "bucc de validation": "0ef7c5470fc59f58",
    "bucc ru validation": "f7cf006652b22038",
    "bucc zh validation": "71ae817ea9d33bf4",
    "bucc de test": "d954f215fd553714",
    "bucc ru test": "25481977ed741240",
    "bucc zh test": "07f51d20b92ffaa3",
    "lareqa en train": "72e61eb88801ab6b",
    "lareqa en validation": "bcf9304f430709cb",
    "lareqa en test": "495c539e471b001c",
    "lareqa de test": "7f9a3340b6b465d7",
    "lareqa ru test": "a6b960dfdcbdb22c",
    "lareqa ar test": "1c448b0e571b6afa",
    "lareqa hi test": "10dd7c6c5904e6a9",
    "lareqa tr test": "a2f7fa89c6c194f7",
    "lareqa vi test": "cf418d595c4d32f8",
    "lareqa zh test": "96f84186a73a2251",
    "mewslix en train": "cccaf7689cc64b56",
    "mewslix en validation": "bc77a03ecdf59f8c",
    "mewslix en candidates": "a26fd31458051f95",
    "mewslix en test": "2b094fd06bc84c55",
    "mewslix de test": "f2a0a0a58afa6003",
    "mewslix ar test": "5ca33ee206f19a06",
    "mewslix tr test": "95b784fef73f993c",
    "mewslix ta test": "44a95b1ca355889a",
    "cosmosqa en train": "27174bbccad3f924",
    "cosmosqa en validation": "369a7d5a90eda094",
    "panx en train": "52bb44c126a6c2dd",
    "panx en validation": "1ed9a6a52a6cb041",
    "panx de validation": "9dfb36ef49638262",
    "panx ru validation": "ea51af270a00716c",
    "panx ar validation": "a2830f9a2f9db736",
    "panx hi validation": "0c726caadc761a0a",
    "panx tr validation": "89a646d8a18cc908",
    "panx sw validation": "2bf76f2d8589f093",
    "panx id validation": "21ef559afdf3d437",
    "panx vi validation": "013881e253d992d4",
    "panx zh validation": "d08946f41de4cc47",
    "panx ta validation": "a14336cee943ecd5",
    "panx et validation": "3b42c75d71398e2e",
    "panx en test": "0fd1e4204eda8c7e",
    "panx de test": "d9dec33f54c1e0ef",
    "panx ru test": "2171e33ced4b3f9a",
    "panx ar test": "a1bf861f040a31ac",
    "panx hi test": "78920f71fa4a142c",
    "panx tr test": "e61fb4781459dbfa",
    "panx sw test": "c6ff8f8d578ddc0c",
    "panx id test": "b3a9860c80d697d6",
    "panx vi test": "a573df90e4606e2e",
    "panx zh test": "5bb0f2c0a8cc0bcf",
    "panx ta test": "97955c9a43ceefa0",
    "panx et test": "687484e8c2878474",
    "snli en train": "8963256b9516e77a",
    "snli en validation": "f6c301dcaba33ae3",
    "anli en train": "c1c13b57724b7f07",
    "anli en validation": "99573720a607af9e",
    "qqp en train": "f1eb31d5bf06e263",
    "qqp en validation": "e24de22e59e84690",
    "squad_v2 en train": "46622d8200220a3c",
    "squad_v2 en validation": "ae82ab9f879f6024",
    "ccg en train": "aa0cd9bfc67a1f00",
    "ccg en validation": "3604d53f4343728a",
    "commonsenseqa en train": "d1bcdc38a08c06de",
    "commonsenseqa en validation": "fa96a2aab36d941c",
    "siqa en train": "992e77bf15717f21",
    "siqa en validation": "6e706ded802ace7b",
    "pawsx en train": "7d1fd5bc4c00a36a",
    "pawsx en validation": "e8e010d7149e771b",
    "pawsx de validation": "55f46f7d1121c785",
    "pawsx zh validation": "8f97460906df7f39",
    "pawsx en test": "617553f70c7172c1",
    "pawsx de test": "3cd9354a839a92aa",
    "pawsx zh test": "05d31d10269acb8f",
    "mlqa en validation": "27cf4fa64833cd0a",
    "mlqa de validation": "39d63e93c4ac53e4",
    "mlqa ar validation": "0df4f3ed71ed5c06",
    "mlqa hi validation": "b9abcbada70ef7cc",
    "mlqa vi validation": "b6fe379be933239c",
    "mlqa zh validation": "513f04b454c0711a",
    "mlqa en test": "a0b7f58082ba2036",
    "mlqa de test": "11cb765a0f036fe8",
    "mlqa ar test": "a393b90c71ae75e6",
    "mlqa hi test": "3d88f9aab2856bc2",
    "mlqa vi test": "c4687ff54e863525",
    "mlqa zh test": "d7fb138ea3768037",
    "tydiqa en train": "5794b07f8abb8443",
    "tydiqa en validation": "83c7e243c40421b9",
    "tydiqa ar validation": "8b6e0a50386933cf",
    "tydiqa id validation": "279a4714da53d5c7",
    "tydiqa ru validation": "56d2115b9433cf8e",
    "tydiqa sw validation": "7b74c0fd91b6b4c5",
    "multichecklist en test": "08b22c169e20b868",
    "multichecklist de test": "96eb55e822366de6",
    "multichecklist ru test": "1e822dedeae13e29",
    "multichecklist ar test": "c0a9a1e843b00b7d",
    "multichecklist hi test": "2fc2ccfdeddeecba",
    "multichecklist tr test": "3a684d42daac3da5",
    "multichecklist vi test": "cb303c65f6e30683",
    "multichecklist zh test": "b5a0450725c4ee26",
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
    assert mini.GENERATOR_VERSION == 2
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


def test_a_new_task_leaves_the_fingerprints_of_the_others_as_they_are():
    """The digest of text and of the first nine tasks is that of the version; a later task has its own sizes in its own."""
    known = "18ea4be9241eaaa50d7b63df951d9b48f49513726cdc8f28a22aa25b8cf5fa0f"
    assert mini_content() == mini_content("mnli") == mini_content("tatoeba") == known
    assert len({mini_content(task) for task in ("mnli", "anli", "panx", "tydiqa")}) == 4


# --- shapes --------------------------------------------------------------------------------------------------------

NLI = {"premise": str, "hypothesis": str, "label": int}
QA = {"id": str, "title": str, "context": str, "question": str, "answers": dict}
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
    "snli": NLI,
    "anli": {"uid": str, **NLI, "reason": str},
    "qqp": {"question1": str, "question2": str, "label": int, "idx": int},
    "squad_v2": QA,
    "mlqa": QA,
    "tydiqa": QA,
    "ccg": {"tokens": list, "tags": list},
    "cosmosqa": {
        "id": str, "context": str, "question": str, "answer0": str, "answer1": str, "answer2": str, "answer3": str,
        "label": int,
    },
    "commonsenseqa": {"id": str, "question": str, "question_concept": str, "choices": dict, "answerKey": str},
    "siqa": {"context": str, "question": str, "answerA": str, "answerB": str, "answerC": str, "label": str},
    "pawsx": {"id": int, "sentence1": str, "sentence2": str, "label": int},
    "panx": {"tokens": list, "ner_tags": list, "langs": list, "spans": list},
    "multichecklist": {"id": str, "context": str, "question": str, "answers": dict},
    "bucc": {"id": str, "sentence": str, "english": bool, "gold": list},
}  # fmt: skip
SQUAD = SHAPES["squad"]
ENTITY = {
    "entity_id": str, "title": str, "description": str, "sentence_spans": list, "description_language": str,
    "description_url": str,
}  # fmt: skip
SPLIT_SHAPES: dict[tuple[str, str], dict[str, type]] = {
    ("lareqa", "train"): SQUAD,
    ("lareqa", "validation"): SQUAD,
    ("lareqa", "test"): {
        "id": str, "title": str, "paragraph": int, "context": str, "question": str, "answers": dict,
        "sentence_breaks": list,
    },
    ("mewslix", "train"): {"contextual_mention": dict, "entity": dict},
    ("mewslix", "validation"): {"contextual_mention": dict, "entity": dict},
    ("mewslix", "candidates"): ENTITY,
    ("mewslix", "test"): {"context": dict, "mention": dict},
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS, ids=" ".join)
def test_rows_have_the_shape_of_the_real_ones(stream: tuple[str, str, str]):
    task, _, split = stream
    made = rows(*stream)
    assert len(made) == mini.SIZES[task][split]
    shape = list((SPLIT_SHAPES.get((task, split)) or SHAPES[task]).items())
    for row in made:
        assert [(column, type(value)) for column, value in row.items()] == shape


@pytest.mark.parametrize("stream", STREAMS, ids=" ".join)
def test_no_row_comes_twice(stream: tuple[str, str, str]):
    without = {"id", "idx", "ind", "label", "uid", "answerKey"}
    seen = [json.dumps({k: v for k, v in row.items() if k not in without}) for row in rows(*stream)]
    # Two abstract items may be said alike in a language without pronouns, plurals or a difference of two words.
    assert len(set(seen)) >= 0.98 * len(seen)


def test_what_does_not_exist_is_named():
    for arguments, said in (
        (("wnli", "en", "train"), "no mini task 'wnli'"),
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


@pytest.mark.parametrize("task", ["squad", "xquad", "mlqa", "tydiqa"])
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
    for task, split in (
        ("xnli", "test"), ("xcopa", "test"), ("xquad", "validation"), ("mlqa", "test"), ("pawsx", "test"),
        ("multichecklist", "test"),
    ):  # fmt: skip
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
    ("train", "target"),
    [
        ("mnli", "xnli"),
        ("copa", "xcopa"),
        ("squad", "xquad"),
        ("udpos", "udpos"),
        ("squad", "mlqa"),
        ("squad", "multichecklist"),
        ("anli", "xnli"),
        ("snli", "xnli"),
        ("pawsx", "pawsx"),
        ("panx", "panx"),
        ("tydiqa", "tydiqa"),
        ("qqp", "qqp"),
        ("ccg", "ccg"),
        ("squad_v2", "squad_v2"),
        ("cosmosqa", "cosmosqa"),
        ("commonsenseqa", "commonsenseqa"),
        ("siqa", "siqa"),
    ],
)
def test_nothing_tested_was_trained_on(train: str, target: str):
    def keys(made: Sequence[Row]) -> set[str]:
        without = {"id", "idx", "ind", "label", "title", "changed", "uid", "answerKey"}
        return {json.dumps({k: v for k, v in row.items() if k not in without}, sort_keys=True) for row in made}

    trained = keys(rows(train, "en", "train"))
    assert not trained & keys(rows(train, "en", "validation"))
    for split in mini.SIZES[target]:
        if train != target or split != "train":
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
        ("snli", "train", "label", 3), ("anli", "train", "label", 3), ("qqp", "train", "label", 2),
        ("pawsx", "train", "label", 2), ("pawsx", "test", "label", 2), ("cosmosqa", "train", "label", 4),
        ("siqa", "train", "label", 3), ("commonsenseqa", "train", "answerKey", 5),
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


PAIRS = (
    ("snli", "premise", 0.43), ("snli", "hypothesis", 0.43), ("anli", "premise", 0.43), ("anli", "hypothesis", 0.43),
    ("qqp", "question1", 0.58), ("qqp", "question2", 0.58), ("pawsx", "sentence1", 0.58), ("pawsx", "sentence2", 0.58),
)  # fmt: skip


@pytest.mark.parametrize(("task", "part", "below"), PAIRS)
def test_one_text_does_not_tell_the_label(task: str, part: str, below: float):
    train = [(bag(row[part]), int(str(row["label"]))) for row in rows(task, "en", "train")]
    test = [
        (bag(row[part]), int(str(row["label"])))
        for split in mini.SIZES[task]
        if split != "train"
        for row in rows(task, "en", split)
    ]
    assert naive_bayes(train, test) < below


def test_words_do_not_tell_a_paraphrase():
    """PAWS-X: both sentences of a pair have the same words, whatever the label; but for `because` and `so`, and commas."""
    for row in rows("pawsx", "en", "train"):
        one, other = (
            sorted(
                word for word in str(row[side]).replace(",", "").rstrip(".").split() if word not in ("because", "so")
            )
            for side in ("sentence1", "sentence2")
        )
        assert one == other


def options(task: str, row: Row) -> tuple[list[str], int]:
    if task == "cosmosqa":
        return [str(row[f"answer{i}"]) for i in range(4)], int(str(row["label"]))
    if task == "siqa":
        return [str(row[f"answer{letter}"]) for letter in "ABC"], int(str(row["label"])) - 1
    choices = row["choices"]
    assert isinstance(choices, dict)
    return choices["text"], choices["label"].index(row["answerKey"])


@pytest.mark.parametrize("task", ["cosmosqa", "siqa", "commonsenseqa"])
def test_the_right_option_is_not_told_by_itself(task: str):
    """The option that looks most like right ones is hardly more often right than one drawn by chance."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row in rows(task, "en", "train"):
        said, label = options(task, row)
        assert len(set(said)) == len(said)
        for number, option in enumerate(said):
            (right if number == label else wrong).update(bag(option))
    hits = 0
    made = rows(task, "en", "validation")
    for row in made:
        said, label = options(task, row)
        scores = [
            sum(math.log((right[word] + 1) / (wrong[word] + len(said) - 1)) for word in bag(option)) for option in said
        ]
        hits += scores.index(max(scores)) == label
    assert hits / len(made) < 1 / len(options(task, made[0])[0]) + 0.14


def test_every_second_question_of_squad_v2_has_no_answer():
    made = rows("squad_v2", "en", "train")
    unanswerable = [row for row in made if row["answers"] == {"text": [], "answer_start": []}]
    assert abs(2 * len(unanswerable) - len(made)) <= 1
    for row in made:
        answers = row["answers"]
        assert isinstance(answers, dict) and isinstance(row["context"], str)
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text


@pytest.mark.parametrize("part", ["context", "question"])
def test_neither_paragraph_nor_question_tells_whether_there_is_an_answer(part: str):
    def told(split: str) -> list[tuple[set[str], int]]:
        return [(bag(row[part]), int(bool(row["answers"]["text"]))) for row in rows("squad_v2", "en", split)]  # type: ignore[index]

    assert naive_bayes(told("train"), told("validation")) < 0.58


def test_names_are_of_three_kinds_and_no_lookup():
    """In every language cities are places, surnames and parts of firms."""
    for language in TASKS["panx"].languages.split():
        seen: dict[str, set[str]] = {}
        for row in rows("panx", language, "test"):
            tokens, tags = row["tokens"], row["ner_tags"]
            assert isinstance(tokens, list) and isinstance(tags, list) and len(tokens) == len(tags)
            named = [NAMES[tag] for tag in tags]
            for before, tag in pairwise(["O", *named]):
                assert tag[0] != "I" or before[2:] == tag[2:]
            for token, tag in zip(tokens, named, strict=True):
                seen.setdefault(tag, set()).add(token)
        assert set(seen) == {"O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC"}, language
        assert len(seen["I-PER"] & seen["I-ORG"] & seen["B-ORG"]) == len(world.CITIES)
        assert all(any(token.startswith(city) for city in world.CITIES) for token in seen["B-LOC"])
        assert seen["B-PER"] == set(world.NAMES)


NAMES = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def test_categories_depend_on_what_follows():
    found: dict[str, set[int]] = {}
    for row in rows("ccg", "en", "train"):
        for token, tag in zip(row["tokens"], row["tags"], strict=True):  # type: ignore[call-overload]
            found.setdefault(token, set()).add(tag)
            assert 0 <= tag < len(CATEGORIES)
    used = set().union(*found.values())
    assert len(used) >= 20
    assert sum(len(tags) > 1 for tags in found.values()) >= 15
    assert len(found["is"]) == 3  # before a property, a place, a kind


def test_categories_by_hand():
    def said(sentence: Sentence) -> list[str]:
        return categories(grammar("en").sentence(sentence))

    assert said(say(act("dog", "eat", "bread", "garden", True))) == [
        "NP/N", "N", "(S[dcl]\\NP)/(S[b]\\NP)", "(S\\NP)\\(S\\NP)", "(S[b]\\NP)/NP", "NP/N", "N",
        "((S\\NP)\\(S\\NP))/NP", "NP/N", "N", ".",
    ]  # fmt: skip
    assert said(Sentence("today", act("Anna", "go", "", "school"))) == [
        "S/S", "NP", "(S[dcl]\\NP)/PP", "PP/NP", "NP/N", "N", ".",
    ]  # fmt: skip
    assert said(Sentence("ask:object", act("Anna", "eat", "bread"))) == [
        "S[wq]/(S[q]/NP)", "(S[q]/(S[b]\\NP))/NP", "NP", "S[b]\\NP", ".",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no category for 'oh' .INTJ. in 'oh dog'"):
        categories([("oh", "INTJ"), ("dog", "NOUN")])


def test_tydiqa_questions_are_named_by_their_language():
    for language in TASKS["tydiqa"].languages.split():
        name = LANGUAGE_NAMES[language].name.lower()
        assert all(str(row["id"]).startswith(f"{name}-") for row in rows("tydiqa", language, "validation"))
    english, other = (rows("tydiqa", code, "validation") for code in ("en", "id"))
    same = sum(names_in(a) == names_in(b) != Counter() for a, b in zip(english, other, strict=True))
    assert same < 0.2 * len(english)
