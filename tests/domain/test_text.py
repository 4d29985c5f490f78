"""Any folder of text: each layout, the language from the name, what is refused and how, and what pins the content."""

import hashlib
import json
from pathlib import Path

import pytest

from backend.domain import text
from backend.domain.text import files, naming

CES = """<?xml version="1.0"?>
<cesDoc version="4"><text><body><div type="book"><div type="chapter">
<seg id="b.X.1.1" type="verse">
  In the <hi>beginning</hi>
  was a test
</seg>
<seg type="verse"> </seg><seg type="heading">Not a verse</seg>
<seg id="b.X.1.2" type="verse">and it was green &amp; quick</seg>
</div></div></body></text></cesDoc>
"""
CONLLU = (
    "# sent_id = 1\n# text = Habari ya asubuhi.\n1\tHabari\t_\t_\t_\t_\t_\t_\t_\t_\n\n# text =Nzuri.\n1\tNzuri.\t_\n"
)
SQUAD = {
    "data": [
        {
            "title": "t",
            "paragraphs": [{"context": "One context.\nTwo lines.", "qas": []}, {"context": "Another.", "qas": []}],
        },
        {"title": "u", "paragraphs": [{"context": "Another.", "qas": []}]},
    ]
}


def put(root: Path, name: str, content: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(root: Path, *folders: str, languages: list[str] | None = None) -> dict[str, list[str]]:
    corpus = text.collect(root, folders, languages)
    found = {code: list(corpus.read(code)) for code in corpus.languages}
    assert corpus.lines == {code: len(lines) for code, lines in found.items()}
    return found


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("wiki.sw.txt", "\ufeffMoja \n\n  mbili\ttatu\r\nnne\u2028tano", {"sw": ["Moja", "mbili tatu", "nne tano"]}),
        ("sw_x-ud-dev.1-2.conllu", CONLLU, {"sw": ["Habari ya asubuhi.", "Nzuri."]}),
        ("English-NT.xml", CES, {"en": ["In the beginning was a test", "and it was green & quick"]}),
        ("verses-et.tsv", "40001001\tAlguses\nMAT.1.2\tLõpus\n", {"et": ["Alguses", "Lõpus"]}),
        ("any.tsv", "id\ten\tsw\n1\tdog\tmbwa\n2\tcat\t\n", {"en": ["dog", "cat"], "sw": ["mbwa"]}),
        ("en-sw.tsv", "dog\tmbwa\n", {"en": ["dog"], "sw": ["mbwa"]}),
        ("tatoeba.cmn-eng.cmn", "你好。\n", {"zh": ["你好。"]}),
        ("xquad.tr.json", json.dumps(SQUAD), {"tr": ["One context. Two lines.", "Another."]}),
        ("dev-context-de-question-en.json", json.dumps(SQUAD), {"de": ["One context. Two lines.", "Another."]}),
    ],
)
def test_every_layout_gives_its_lines(tmp_path, name, content, expected):
    put(tmp_path, f"some/{name}", content)
    assert read(tmp_path, "some") == expected


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("swahili/swahili_tydiqa_dev.json", "sw"),
        ("Ukranian-NT.xml", "uk"),  # as the corpus spells it
        ("swa/train.txt", "sw"),
        ("id_gsd-ud-dev.conllu", "id"),
        ("wiki.id.txt", "id"),
        ("sw/my-notes.txt", "sw"),  # an English word in a name is no Burmese
        ("my.txt", "my"),
    ],
)
def test_a_path_names_its_language(path, code):
    assert naming.one(path) == code


@pytest.mark.parametrize(
    "path", ["Gaelic-PART.xml", "hf_dummy/tydiqa-goldp-v1.1-dev.json", "my-notes.txt", "de-en.txt"]
)
def test_a_path_that_names_none_or_several_is_refused(path):
    with pytest.raises(naming.NoLanguage, match="language"):
        naming.one(path)


def test_what_is_no_text_lies_beside_it_unharmed(tmp_path):
    put(tmp_path, "a/sw.txt", "Moja\n")
    for name in ("a/README.txt", "a/LICENSE", "a/notes.md", "a/.hidden/sw.txt", "a/picture.png"):
        put(tmp_path, name, b"\xff\xfe")
    assert read(tmp_path, "a") == {"sw": ["Moja"]}


def test_files_are_read_in_the_order_of_their_paths_and_each_once(tmp_path):
    put(tmp_path, "b/sw.txt", "b\n")
    put(tmp_path, "a/sw/two.txt", "a2\n")
    put(tmp_path, "a/sw/one.txt", "a1\n")
    assert read(tmp_path, "b", "a", "a/sw", "b/sw.txt") == {"sw": ["a1", "a2", "b"]}


def test_content_follows_the_bytes_the_names_and_the_languages(tmp_path):
    put(tmp_path, "a/sw.txt", "Moja\n")
    put(tmp_path, "a/en.txt", "One\n")
    whole = text.collect(tmp_path, ["a"])
    assert whole.files[1].sha256 == hashlib.sha256(b"Moja\n").hexdigest()
    assert whole.content == text.collect(tmp_path, ["a/en.txt", "a"]).content
    assert whole.content != text.collect(tmp_path, ["a"], ["sw"]).content
    put(tmp_path, "a/sw.txt", "Mbili\n")
    assert whole.content != text.collect(tmp_path, ["a"]).content


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("text.txt", "words\n", "text.txt: its name tells no language"),
        ("sw.txt", b"ok\nbad \xff\n", "sw.txt: line 2: byte 0xff is not UTF-8"),
        ("hau/dev.txt", "Kano B-LOC\n", "hau/dev.txt: line 1: plain text was expected"),
        ("sw.xml", "<a><b></a>", "sw.xml: it is no XML"),
        ("sw.json", "{", "sw.json: line 1: it is no JSON"),
        ("sw.json", '{"data": [{"paragraphs": [{"question": "?"}]}]}', r"sw.json: SQuAD's JSON was expected: data\[\]"),
        ("sw.tsv", "mbwa\tNOUN\n", "sw.tsv: line 1: id<TAB>text was expected, an id with a number in it, not 'mbwa'"),
        ("sw.tsv", "1\tmbwa\n2\n", "sw.tsv: line 2: 1 cells; expected 2"),
        ("sw.tsv", "1\tmbwa\tpaka\n", "sw.tsv: line 1: expected id<TAB>text"),
        ("notes.md", "words\n", "there is no text in 'd'; read are .txt"),
        ("sw.txt", " \n", "there is no text in 'd'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, name, content, expected):
    put(tmp_path, f"d/{name}", content)
    with pytest.raises(text.Unreadable, match=expected):
        text.collect(tmp_path, ["d"])


def test_where_languages_are_asked_for_the_other_files_are_left_alone(tmp_path):
    put(tmp_path, "d/Gaelic.txt", "focal\n")
    put(tmp_path, "d/en-sw.tsv", "dog\tmbwa\n")
    put(tmp_path, "d/de.txt", b"\xff")
    assert read(tmp_path, "d", languages=["sw"]) == {"sw": ["mbwa"]}
    with pytest.raises(text.Unreadable, match="no text of et in 'd'; there is of sw"):
        text.collect(tmp_path, ["d"], ["sw", "et"])
    with pytest.raises(text.Unreadable, match="unknown language 'xx'"):
        text.collect(tmp_path, ["d"], ["xx"])


def test_nothing_outside_the_root_is_read(tmp_path):
    root = tmp_path / "root"
    put(root, "d/sw.txt", "Moja\n")
    put(tmp_path, "secret/sw.txt", "Siri\n")
    for folder in ("../secret", str(tmp_path / "secret")):
        with pytest.raises(text.Unreadable, match="not inside the data root"):
            text.collect(root, [folder])
    with pytest.raises(text.Unreadable, match="there is no folder 'e'"):
        text.collect(root, ["e"])
    (root / "d" / "en.txt").symlink_to(tmp_path / "secret" / "sw.txt")
    with pytest.raises(text.Unreadable, match="leads out of the data root"):
        text.collect(root, ["d"])


def test_languages_are_drawn_by_a_power_of_their_lines():
    shares = text.sampling({"en": 10_000, "sw": 100})
    assert text.EXPONENT == 0.3
    assert shares["en"] / shares["sw"] == pytest.approx(100**0.3)
    assert sum(shares.values()) == pytest.approx(1)
    assert text.sampling({"en": 9, "sw": 1}, 0.0) == {"en": 0.5, "sw": 0.5}


def test_real_folders_are_read(benchmark_files):
    tatoeba = text.collect(benchmark_files, ["tatoeba/v1"])
    assert len(tatoeba.languages) == 25
    assert (tatoeba.lines["ka"], tatoeba.lines["sw"]) == (746, 390)
    bible = text.collect(benchmark_files, ["bible"], ["eu", "et", "gu", "qu", "sw", "uk", "wo"])
    assert len(bible.files) == 7
    assert next(bible.read("sw")).startswith("Yesu Kristo alikuwa mzawa wa Daudi, mzawa wa Abrahamu.")
    # a treebank has as many sentences as its file's name says
    assert text.collect(benchmark_files, ["ud_conllu"]).lines["en"] == 1200
    assert text.collect(benchmark_files, ["xquad"]).lines["de"] == 240
    with pytest.raises(text.Unreadable, match=r"bible/Gaelic-PART\.xml: its name tells no language"):
        text.collect(benchmark_files, ["bible"])


def test_every_layout_is_described():
    assert all(f"``{suffix}``" in (files.__doc__ or "") for suffix in (".txt", ".conllu", ".tsv", ".xml", ".json"))
