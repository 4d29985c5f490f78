"""A submission, file by file, and archives that mean harm."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from backend.errors import Invalid
from backend.submission import unpack as unpacking
from backend.submission.benchmarks import XTREME_R
from backend.submission.check import Check, Status, check
from backend.submission.unpack import unpack
from backend.submission.view import view


def found(checked: Check) -> dict[tuple[str, str], Status]:
    return {(f.task, f.language): f.status for f in checked.files}


def whole(folders: Any, *tasks: str) -> None:
    for name in tasks:
        folders.fill(XTREME_R.tasks[name])


def test_every_kind_of_fault_has_its_own_word(folders: Any) -> None:
    whole(folders, "xnli", "panx", "xcopa")
    ours = folders.predictions
    (ours / "xnli" / "test-ar.tsv").unlink()
    (ours / "xnli" / "test-bg.tsv").rename(ours / "xnli" / "test-bg.txt")
    (ours / "xnli" / "test-de.tsv").write_text("entailment\n")
    (ours / "xnli" / "test-el.tsv").write_text("entailment\nperhaps\n")
    (ours / "xcopa" / "test-et.jsonl").write_text('{"label": 0}\nnonsense\n')
    (ours / "panx" / "test-af.tsv").write_text("B-PER\n\nB-PER\nO\n")
    (ours / "xnli" / "test-xx.tsv").write_text("entailment\n")
    (ours / "squad").mkdir()
    checked = check(ours, folders.labels, XTREME_R)
    status = found(checked)
    assert status["xnli", "ar"] is Status.MISSING and status["xnli", "bg"] is Status.SUFFIX
    assert status["xnli", "de"] is Status.LENGTH and status["panx", "af"] is Status.LENGTH
    assert status["xnli", "el"] is Status.LABEL and status["xcopa", "et"] is Status.UNREADABLE
    assert status["xnli", "fr"] is Status.RIGHT and status["tydiqa", "en"] is Status.MISSING
    by_place = {(f.task, f.language): f for f in checked.files}
    assert "line 2" in by_place["xcopa", "et"].said[0] and "test-bg.txt is there" in by_place["xnli", "bg"].said[0]
    assert by_place["xnli", "fr"].points == {"accuracy": 50.0}
    assert checked.strangers == ("squad/: no task of XTREME-R", "xnli/test-xx.tsv: no language of xnli in XTREME-R")


def test_without_labels_files_are_read_and_not_scored(folders: Any) -> None:
    whole(folders, "xnli", "udpos")
    (folders.predictions / "xnli" / "test-de.tsv").write_text("entailment\n")
    (folders.predictions / "xnli" / "test-el.tsv").write_text("perhaps\n")
    checked = check(folders.predictions, None, XTREME_R)
    status = found(checked)
    assert (
        status["xnli", "de"] is Status.READ
        and status["xnli", "el"] is Status.LABEL
        and status["udpos", "en"] is Status.READ
    )
    assert checked.report is None
    seen = view(checked, XTREME_R, folder="", labels=None, files=3)
    assert all(group.score is None for group in (*seen.official, *seen.ours)) and seen.wrong > 1


def test_both_rules_on_a_whole_submission(folders: Any) -> None:
    """Every file has half of its points but the answers, of which one of two is right; the overall score is the mean of ten tasks."""
    whole(folders, *XTREME_R.tasks)
    checked = check(folders.predictions, folders.labels, XTREME_R)
    assert set(found(checked).values()) == {Status.RIGHT}
    seen = view(checked, XTREME_R, folder="", labels="upload", files=1)
    assert seen.wrong == 0 and seen.official_note is not None
    official, ours = ({g.name: g.score for g in groups} for groups in (seen.official, seen.ours))
    assert "overall" not in official and "retrieval" in official and "retrieval" not in ours
    assert checked.report is not None
    scores = {name: task.score for name, task in checked.report.tasks.items()}
    assert ours["overall"] == pytest.approx(sum(s for s in scores.values() if s is not None) / 10)
    three = [scores[name] or 0 for name in ("tatoeba", "mewslix", "lareqa")]
    assert ours["retrieval_with_lareqa"] == pytest.approx(sum(three) / 3) and official["retrieval"] == pytest.approx(
        sum(three[:2]) / 2
    )


def test_labels_that_are_wrong_are_not_the_fault_of_predictions(folders: Any) -> None:
    whole(folders, "xnli")
    (folders.labels / "xnli" / "test-de.tsv").unlink()
    (folders.labels / "xnli" / "test-fr.tsv").write_bytes(b"\xff\xfe\n")
    by_place = {(f.task, f.language): f for f in check(folders.predictions, folders.labels, XTREME_R).files}
    assert by_place["xnli", "de"].status is Status.READ
    assert by_place["xnli", "fr"].status is Status.READ and "labels:" in by_place["xnli", "fr"].said[-1]


# --- archives ---------------------------------------------------------------------------------------------------------------


def archive(members: dict[str, bytes], **options: Any) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(options.get(name, name), content)
    made.seek(0)
    return made


def test_a_submission_in_any_folder_with_labels_beside(tmp_path: Path) -> None:
    made = archive(
        {
            "mine/predictions/xnli/test-en.tsv": b"neutral\n", "mine/labels/xnli/test-en.tsv": b"neutral\n", "mine/README.md": b"hello",
            "__MACOSX/mine/._x": b"", "mine/predictions/xnl/test-en.tsv": b"neutral\n", "mine/.DS_Store": b"",
        }
    )  # fmt: skip
    found = unpack(made, tmp_path)
    assert found.top == "mine/predictions" and found.files == 3 and found.aside == ["'mine/README.md'"]
    assert found.predictions is not None and found.labels is not None
    assert (found.predictions / "xnli" / "test-en.tsv").read_bytes() == b"neutral\n"
    assert (found.labels / "xnli" / "test-en.tsv").is_file() and (found.predictions / "xnl").is_dir()


def test_several_submissions_have_to_be_told_apart(tmp_path: Path) -> None:
    members = {f"m/none/seed-{n}/xnli/test-en.tsv": b"neutral\n" for n in (0, 1)}
    with pytest.raises(Invalid, match="holds 2 submissions"):
        unpack(archive(members), tmp_path / "a")
    assert unpack(archive(members), tmp_path / "b", folder="m/none/seed-1").files == 1
    with pytest.raises(Invalid, match="holds no submission below 'other'"):
        unpack(archive(members), tmp_path / "c", folder="other")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../xnli/test-en.tsv", "points outside"),
        ("xnli/../../test-en.tsv", "points outside"),
        ("/xnli/test-en.tsv", "points outside"),
        ("..\\xnli\\test-en.tsv", "points outside"),
        ("C:\\xnli\\test-en.tsv", "points outside"),
    ],
)
def test_nothing_is_written_elsewhere(name: str, said: str, tmp_path: Path) -> None:
    inside = tmp_path / "in" / "side"
    with pytest.raises(Invalid, match=said):
        unpack(archive({name: b"neutral\n"}), inside)
    assert list(tmp_path.rglob("*.tsv")) == []


def test_links_and_repeated_names_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("xnli/test-en.tsv")
    link.external_attr = 0o120777 << 16
    with pytest.raises(Invalid, match="is a link"):
        unpack(archive({"a": b"/etc/passwd"}, a=link), tmp_path / "a")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive({"a": b"1", "b": b"2"}, a="xnli/test-en.tsv", b="xnli/test-en.tsv")
    with pytest.raises(Invalid, match="twice"):
        unpack(twice, tmp_path / "b")


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 1000)
    with pytest.raises(Invalid, match="unpacks to 2,000 bytes"):
        unpack(archive({"xnli/test-en.tsv": b"\n" * 2000}), tmp_path / "a")
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 1)
    with pytest.raises(Invalid, match="2 members"):
        unpack(archive({"xnli/test-en.tsv": b"", "xnli/test-de.tsv": b""}), tmp_path / "b")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_small_archive_of_very_many_lines(end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_LINES", 1000)
    assert unpack(archive({"xnli/test-en.tsv": end * 1000}), tmp_path / "a").files == 1
    with pytest.raises(Invalid, match=r"test-en.tsv' has too many lines; at most 1,000 are accepted"):
        unpack(archive({"xnli/test-en.tsv": end * 1001}), tmp_path / "b")


def test_an_archive_that_lies_about_its_size(tmp_path: Path) -> None:
    """The directory says ten bytes; the member holds a megabyte."""
    made = archive({"xnli/test-en.tsv": b"\n" * (1 << 20)}).getvalue()
    lie = made.replace((1 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lie != made
    with pytest.raises(Invalid, match="damaged|more than"):
        unpack(io.BytesIO(lie), tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 10


@pytest.mark.parametrize(
    "content", [b"", b"PK\x05\x06" + b"\0" * 18, b"nothing of the kind", b"PK\x03\x04" + b"\xff" * 60]
)
def test_what_is_no_archive(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no ZIP archive|holds no submission"):
        unpack(io.BytesIO(content), tmp_path)
