"""``crosslift catalogue`` and ``models``: what experiments are made of."""

from __future__ import annotations

from typing import Annotated

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import remote
from backend.cli.printing import print_json, print_markdown, print_table


def catalogue(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table that stands in README.md.")] = False,
) -> None:
    """List the tasks; needs no running installation."""
    from backend.domain.experiment import examples
    from backend.domain.task import Source, Split
    from backend.domain.tasks import TASKS

    if as_json:
        print_json([t.model_dump(mode="json", exclude={"read", "files"}) for t in TASKS.values()])
        return
    columns = (
        "task", "what it asks", "format", "role", "trained on", "languages", "in mini", "train", "headline", "sources",
        "licence",
    )  # fmt: skip
    rows = [
        (
            t.name, t.summary, t.format.value.replace("_", " "), ", ".join(sorted(r.value for r in t.roles)),
            t.trained_on or "nothing", len(t.languages), len(t.languages_in(Source.MINI)),
            examples(t, Split.TRAIN, Source.HUB) or "", t.headline,
            " ".join(s.value for s in Source if t.available_in(s)), t.licence,
        )
        for t in TASKS.values()
    ]  # fmt: skip
    if not markdown:
        print_table(columns, rows)
        return
    print_markdown(columns, ((f"`{name}`", *rest) for name, *rest in rows))


def models(
    url: Url = None,
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The built-in ones, as the table that stands in README.md.")
    ] = False,
) -> None:
    """List the models with their sizes; those that were pretrained here where an installation runs in this HOME, or at --url."""
    from backend.domain.model import BUILT_IN, MODELS

    if not markdown:
        _learn(url)
    if as_json:
        sizes = ("parameters", "parameters_non_embedding")
        print_json([{**m.model_dump(mode="json"), **{n: getattr(m, n) for n in sizes}} for m in MODELS.values()])
        return
    columns = (
        "model", "family", "layers", "heads", "hidden", "vocabulary", "parameters", "non-embedding", "checkpoint",
        "licence",
    )  # fmt: skip
    rows = [
        (
            m.name, m.family.value, m.architecture.layers, m.architecture.heads, m.architecture.hidden,
            m.architecture.vocabulary, m.parameters, m.parameters_non_embedding, m.checkpoint or "pretrained here",
            m.licence,
        )
        for m in (BUILT_IN if markdown else MODELS.values())
    ]  # fmt: skip
    if not markdown:
        print_table(columns, rows)
        return
    print_markdown(columns, ((f"`{name}`", *rest) for name, *rest in rows))


def _learn(url: str | None) -> None:
    """Let the models that an installation has pretrained join the catalogue of this process; none where none runs and none is
    named."""
    from backend.domain.model import MODELS
    from backend.domain.schemas import ModelView
    from backend.errors import Unavailable

    try:
        with remote(url) as there:
            views = [ModelView.model_validate(each) for each in there.get("/models")]
    except Unavailable:
        if url:
            raise
        return
    MODELS.joined((v.model() for v in views if v.pretrained), mark=())
