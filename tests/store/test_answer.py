"""What the answer is fitted to: gains of single seeds, and nothing that is no transfer."""

from __future__ import annotations

import csv
import io

from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import answer

LANGUAGES = ["en", "de", "sw"]


def work(lab):
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        base = 50.0 + (view.seed or 0) + (3.0 if view.recipe != "none" else 0.0)
        scores = (
            [(code, "accuracy", base, 100) for code in claim.spec.languages] if view.kind is RunKind.EVALUATE else []
        )
        lab.finish(claim.run_id, claim.attempt, scores=scores)


def look(lab):
    with lab.store.read() as session:
        return answer.observations(session, source=Source.MINI)


def test_what_is_no_transfer_is_left_out_with_its_reason(lab):
    """Of three recipes in three languages one cell is left: English, what trains on one data set twice, what was trained on in the
    language, and controls are none. Each is counted where it is left out."""
    lab.submit(
        recipes=["mnli", "squad", "control:squad"], seeds=[0, 1], languages=LANGUAGES, translate_train=["en", "de"]
    )
    work(lab)
    rows, out, formats = look(lab)
    assert {(o.recipe, o.language) for o in rows} == {("squad", "sw")} and len(rows) == 2
    assert [o.gain for o in rows] == [3.0, 3.0] and formats == ["classification"]
    assert {entry.what: (entry.gains, entry.why.partition(":")[0]) for entry in out} == {
        "English": (6, "the question is about transfer to other languages"),
        "mnli → xnli": (4, "same data twice"),
        "squad → xnli in de": (2, "not zero-shot"),
        "control:squad": (4, "a compute-matched control, not an intermediate task"),
    }


def test_what_the_digest_is_of_is_every_gain_as_it_is(lab):
    """A list of tasks, a number without hours and a gain to its last digit come back from the CSV."""
    lab.submit(recipes=["squad+siqa"], seeds=[0, 1], languages=LANGUAGES)
    work(lab)
    rows, _, _ = look(lab)
    table = list(csv.DictReader(io.StringIO(answer.as_csv(rows))))
    assert [(r["tasks"], float(r["gain"]), int(r["seed"])) for r in table] == [
        ("+".join(o.tasks), o.gain, o.seed) for o in rows
    ]
    assert [r["hours"] for r in table] == ["" if o.hours is None else repr(o.hours) for o in rows]
    assert table[0]["tasks"] == "siqa+squad" or table[0]["tasks"] == "squad+siqa"
