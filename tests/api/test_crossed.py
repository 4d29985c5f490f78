"""The other matrices over HTTP: that their cells are those of ``/gains``, and what their means are over."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.gains import Missing, Verdict
from backend.domain.schemas import GainMatrix

V1 = "/api/v1"
ADDED = {"copa": 5.0, "hellaswag": -2.0}


@pytest.fixture
def results(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """Three seeds of two recipes: XNLI on mini-2, XNLI and XCOPA on mini-4."""
    asked = {**request_body, "recipes": ["copa", "hellaswag"], "seeds": [0, 1, 2]}
    client.post(V1 + "/experiments", json={**asked, "models": ["mini-2"], "targets": ["xnli"]})
    client.post(V1 + "/experiments", json={**asked, "models": ["mini-4"], "targets": ["xnli", "xcopa"]})

    def score(claim: Any) -> float:
        seed = claim.spec.seed or 0
        recipe = next((r for r in ADDED if f"after {r}" in claim.title), None)
        return 50.0 + (ADDED[recipe] + 0.1 * seed if recipe else 0.0)

    worker.finish_all(score)


def asked(client: TestClient, layout: str, **query: str) -> GainMatrix:
    return GainMatrix.model_validate(client.get(f"{V1}/gains/crossed", params={"layout": layout, **query}).json())


def cell(found: GainMatrix, row: str, column: str) -> Any:
    (one,) = [c for c in found.cells if (c.recipe, c.language) == (row, column)]
    return one


@pytest.mark.usefixtures("results")
def test_cells_of_one_language_are_those_of_the_targets_own_matrix(client: TestClient) -> None:
    found = asked(client, "target-language", model="mini-4", recipe="copa")
    assert found.axes is not None and (found.axes.rows, found.axes.columns, found.axes.recipe) == (
        "target",
        "language",
        "copa",
    )
    assert [r.recipe for r in found.recipes] == ["xcopa", "xnli"] and found.axes.recipes == ["copa", "hellaswag"]
    for target in ("xnli", "xcopa"):
        own = GainMatrix.model_validate(client.get(f"{V1}/gains?model=mini-4&target={target}").json())
        for c in (c for c in own.cells if c.recipe == "copa"):
            same = cell(found, target, c.language)
            assert (same.gain, same.q, same.runs, same.missing) == (c.gain, c.q, c.runs, c.missing)
    assert cell(found, "xcopa", "de").missing is Missing.NOT_APPLICABLE  # XCOPA has no German, XNLI has
    xcopa, xnli = found.recipes
    assert (xnli.k, xnli.n) == (8, 8) and xcopa.k == xcopa.n == sum(
        c.gain is not None for c in found.cells[: len(found.languages)]
    ) - 1
    assert xcopa.same_data_twice and not xnli.same_data_twice  # XCOPA trains on COPA


@pytest.mark.usefixtures("results")
def test_models_stand_by_size_and_say_where_nothing_was_run(client: TestClient) -> None:
    found = asked(client, "model-language", target="xcopa", recipe="hellaswag")
    assert [r.recipe for r in found.recipes] == ["mini-2", "mini-4"] and found.metric == "accuracy"
    assert cell(found, "mini-4", "id").gain == pytest.approx(-1.9)
    empty = cell(found, "mini-2", "id")
    assert empty.missing is Missing.NOT_RUN and empty.why_missing == "no run of hellaswag yet"


@pytest.mark.usefixtures("results")
def test_means_of_targets_have_a_family_of_their_own(client: TestClient) -> None:
    found = asked(client, "recipe-target", model="mini-4")
    assert found.axes is not None and found.languages == ["xcopa", "xnli"] and found.metric == "headline"
    helped = cell(found, "copa", "xnli")
    assert helped.gain == pytest.approx(5.1) and helped.n == 3 and helped.verdict is Verdict.HELPS
    tested = [c for c in found.cells if c.p_t is not None]
    assert len(tested) == 4 and max(c.q for c in tested) <= 4 * max(c.p_t for c in tested)
    assert found.axes.support["copa.xnli"] == "8 of 8 languages"
    copa = next(r for r in found.recipes if r.recipe == "copa")
    assert (copa.k, copa.n) == (1, 2)  # XCOPA is the same data twice, so neither row's mean has it
    assert copa.mean_transfer == pytest.approx(5.1)


@pytest.mark.usefixtures("results")
def test_means_are_over_the_languages_that_are_asked_for(client: TestClient) -> None:
    found = asked(client, "recipe-target", model="mini-4", languages="sw,family:Turkic")
    assert found.axes is not None and found.axes.support["copa.xnli"] == "2 of 2 languages"
    none = cell(asked(client, "recipe-target", model="mini-4", languages="de"), "copa", "xcopa")
    assert none.missing is Missing.NOT_APPLICABLE and none.why_missing == "xcopa has none of these languages"


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("query", ["layout=recipe-target&languages=xx", "layout=recipe-target&languages=mean_all", "layout=sideways",
                                   "layout=target-language&recipe=qqp", "layout=target-language&model=none"])  # fmt: skip
def test_what_is_not_known_is_refused(client: TestClient, query: str) -> None:
    response = client.get(f"{V1}/gains/crossed?{query}")
    assert response.status_code == 422 and response.json()["errors"]
