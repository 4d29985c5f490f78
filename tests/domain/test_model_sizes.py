"""Counted sizes of the catalogue beside those that were published."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.domain.model import MODELS

#: Model, millions in total, millions without embeddings, share by which they may differ, where it was published. Published
#: numbers are rounded, and some count the pooler: hence a share and not equality.
PUBLISHED = (
    ("mbert", 178, 85, 0.01, "Chung et al. 2021, table 1; MiniLM README (85M)"),
    ("xlmr-base", 279, 85, 0.01, "model card of XLM-R base; MiniLM README (85M)"),
    ("xlmr-large", 560, None, 0.01, "fairseq README of XLM-R"),
    ("xlmr-xl", 3500, None, 0.01, "fairseq README of XLM-R XL and XXL"),
    ("xlmr-xxl", 10700, None, 0.01, "fairseq README of XLM-R XL and XXL"),
)


@pytest.mark.parametrize(("name", "total", "without", "share", "source"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_counted_sizes_are_near_the_published_ones(
    name: str, total: float, without: float | None, share: float, source: str
) -> None:
    model = MODELS[name]
    assert model.parameters / 1e6 == pytest.approx(total, rel=share), source
    if without is not None:
        assert model.parameters_non_embedding / 1e6 == pytest.approx(without, rel=share), source


def test_the_command_lists_every_model_with_its_counted_sizes() -> None:
    done = CliRunner().invoke(app, ["models", "--json"])
    assert done.exit_code == 0, done.output
    found = {m["name"]: (m["parameters"], m["parameters_non_embedding"]) for m in json.loads(done.stdout)}
    assert found == {m.name: (m.parameters, m.parameters_non_embedding) for m in MODELS.values()}
