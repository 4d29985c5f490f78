"""A run is done again by a real installation of its own, and comes out the same; and not where its data changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

TEXT = {
    "en": "The dog sees a green house.\nA house is near the old river.\nThe river sings to the dog.\n",
    "de": "Der Hund sieht ein grünes Haus.\nEin Haus steht am alten Fluss.\nDer Fluss singt dem Hund.\n",
}
SIZES = "--layers 1 --hidden 32 --heads 2 --vocabulary 300 --positions 66 --max-length 32 --steps 6".split()


@pytest.mark.slow  # two installations, one inside the other's time
def test_an_evaluation_comes_out_bit_by_bit(installed_with: Any, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for code, lines in TEXT.items():
        (root / "text" / code).mkdir(parents=True)
        (root / "text" / code / "lines.txt").write_text(lines * 30)
    rows = [line.split(" ", 1) for line in TEXT["en"].splitlines()]
    pairs = "".join(f"{a} {b}\t{b} {a}\t{n % 2}\n" for n, (a, b) in enumerate(rows * 6))
    (root / "pawsx" / "xtreme_processed").mkdir(parents=True)
    for name in ("train-en", "dev-en", "dev-de"):
        (root / "pawsx" / "xtreme_processed" / f"{name}.tsv").write_text(pairs)
    lab = installed_with({"CROSSLIFT_DATA_ROOT": str(root)})
    made = lab.run("pretrain", "own-1", "--text", "text", *SIZES, "--wait")
    assert made.code == 0, made.err
    asked = {
        "name": "Own", "source": "files", "models": ["own-1"], "recipes": ["none"], "targets": ["pawsx"],
        "finetuning": {"steps": 2, "batch_size": 4, "max_length": 32}, "languages": ["en", "de"],
    }  # fmt: skip
    (tmp_path / "own.json").write_text(json.dumps(asked))
    done = lab.run("submit", str(tmp_path / "own.json"), "--wait", "--json")
    assert done.code == 0, done.err
    again = lab.run("reproduce", "3", "--json")
    assert again.code == 0, again.err
    report = json.loads(again.out)
    assert (report["same"], report["exact"], report["notes"]) == (True, True, [])
    assert [s["scores"] > 0 for s in report["stages"]] == [False, False, True]
    assert report["stages"][0]["points"] > 0
    detail = lab.run("reproduce", "99")
    assert detail.code == 3
    (root / "pawsx" / "xtreme_processed" / "dev-de.tsv").write_text(pairs.replace("\t0\n", "\t1\n"))
    other = lab.run("reproduce", "3")
    assert other.code == 1, other.err
    assert "did NOT come out the same" in other.err
    assert "the data are others: pawsx/de" in other.err
    (root / "text" / "de" / "lines.txt").write_text("Etwas anderes.\n")
    gone = lab.run("reproduce", "3")
    assert gone.code == 4
    assert "could not be done again" in gone.err
