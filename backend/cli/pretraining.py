"""``crosslift pretrain``: an encoder of one's own."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import FOLLOW_SECONDS, remote
from backend.cli.endings import FAILED
from backend.cli.printing import print_json, say

READING_SECONDS = 900.0  # that the API may take to read a folder of text


def pretrain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model is called from then on.")],
    text: Annotated[
        list[str], typer.Option("--text", help="A folder or file of text under CROSSLIFT_DATA_ROOT; may be repeated.")
    ],
    languages: Annotated[
        str | None, typer.Option(help="Only these, as in en,sw; default: all that the text is in.")
    ] = None,
    base: Annotated[str | None, typer.Option("--from", help="A model to go on from, instead of sizes.")] = None,
    layers: Annotated[int | None, typer.Option(help="Default: 4.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Default: 256.")] = None,
    heads: Annotated[int | None, typer.Option(help="Default: one for every 64 of hidden.")] = None,
    feed_forward: Annotated[int | None, typer.Option(help="Default: 4 x hidden.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Sub-words; default: 8000.")] = None,
    positions: Annotated[int | None, typer.Option(help="Longest row + 2; default: 514.")] = None,
    steps: Annotated[int | None, typer.Option(help="Default: 10000.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 64.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: 1e-3, from a model 5e-5.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Sub-words of a row; default: 128.")] = None,
    exponent: Annotated[float | None, typer.Option(help="Languages are drawn by lines^exponent; default: 0.3.")] = None,
    masked: Annotated[float | None, typer.Option(help="Share hidden; default: 0.3, from a model 0.15.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: cpu.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16; default: fp32.")] = None,
    url: Url = None,
    as_json: AsJson = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit code 1 if it failed.")] = False,
) -> None:
    """Pretrain an encoder on text of your own; experiments may use it at once, and wait for it."""
    from backend.domain.run import TERMINAL, RunState
    from backend.domain.schemas import ModelView, RunView

    given = {
        "name": name, "text": text, "languages": languages.split(",") if languages else None, "base": base,
        "layers": layers, "hidden": hidden, "heads": heads, "feed_forward": feed_forward, "vocabulary": vocabulary,
        "positions": positions, "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate,
        "max_length": max_length, "exponent": exponent, "masked": masked, "device": device, "precision": precision,
    }  # fmt: skip
    with remote(url, timeout=READING_SECONDS) as there:
        body = {key: value for key, value in given.items() if value is not None}
        view = ModelView.model_validate(there.post("/models", body).json())
        own = view.pretrained
        assert own is not None
        run = there.view(RunView, f"/runs/{own.run}")
        while wait and run.state not in TERMINAL:
            time.sleep(FOLLOW_SECONDS)
            run = there.view(RunView, f"/runs/{run.id}")
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        lines = ", ".join(f"{code} {n:,}" for code, n in own.lines.items())
        say(
            f"{name}: {view.parameters:,} parameters, {view.parameters_non_embedding:,} of them not embeddings; run {run.id}, {run.state}"
        )
        say(f"text: {len(own.text.files)} files; lines: {lines}")
        typer.echo(f"{there.base}/runs/{run.id}")
    if wait and run.state is not RunState.DONE:
        raise typer.Exit(FAILED)
