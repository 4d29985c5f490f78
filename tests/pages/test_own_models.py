"""Models that are pretrained here, on the pages: chosen as any other, and the text of a run in full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.domain.model import MODELS
from backend.domain.pretraining import PretrainRequest, model_of
from backend.domain.text import collect
from dashboard import form, texts
from dashboard.look import parameters


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Any]:
    for code, count in (("sw", 20), ("en", 80)):
        (tmp_path / code).mkdir()
        (tmp_path / code / "a.txt").write_text("a line\n" * count)
    made = model_of(PretrainRequest(name="lab-x", text=("sw", "en")), collect(tmp_path, ["sw", "en"]), {})
    yield made
    MODELS.joined((), mark=())


def test_the_form_offers_it_with_its_size_as_soon_as_it_is_known(model: Any) -> None:
    assert "lab-x" not in form.models_of("files")
    MODELS.joined((model,), mark=())
    assert "lab-x" in form.models_of("files")
    assert "lab-x" not in form.models_of("mini")
    assert f"lab-x · {parameters(model.parameters)}" in str(form.model_chips("files", ()))
    assert "control-mlm:mnli" in str(form.recipe_chips("files", ()))


def test_the_text_of_a_run_is_shown_with_its_digests(model: Any) -> None:
    shown = str(texts.section({"text": model.text.model_dump(mode="json")}))
    for expected in (
        "Swahili (sw)",
        "en/a.txt",
        model.text.files[0].sha256,
        "100 lines of 2 languages",
        "lines^0.3",
        "30%",
    ):
        assert expected in shown
    # 20 and 80 lines: 20^0.3 / (20^0.3 + 80^0.3)
    assert "39.8%" in shown
    assert texts.section({"kind": "finetune"}) is None
