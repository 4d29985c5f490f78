"""``crosslift import``: results that were made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import remote
from backend.cli.endings import Usage
from backend.cli.printing import print_json, say
from backend.errors import unknown


def import_results(
    path: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="Results: a table, or what a trainer left behind.")
    ],
    source: Annotated[str, typer.Option(help="Who made them; gains are taken within one source only.")],
    settings: Annotated[str, typer.Option(help="How; gains are taken within one of these only.")] = "",
    format: Annotated[
        str | None,
        typer.Option(help="Default: by the names of the files.", metavar="long|trainer|jiant|xtreme"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="FOLDER holds predictions in XTREME's layout; score them by these.")
    ] = None,
    benchmark: Annotated[str, typer.Option(help="Of predictions.", metavar="xtreme|xtreme-r")] = "xtreme-r",
    model: Annotated[str | None, typer.Option(help="Where the files do not say it; so are those below.")] = None,
    recipe: Annotated[str | None, typer.Option(help="As in mnli or mnli+squad; default: none.")] = None,
    target: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    note: Annotated[str, typer.Option(help="For people.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Bring in results that were made elsewhere: kept apart from own ones, marked with their source."""
    from typing import get_args

    from backend.domain.imports import ImportDone, ImportFormat
    from backend.importing.gather import NotGathered, gather, guess, scored
    from backend.submission.benchmarks import BENCHMARKS

    if format is not None and format not in get_args(ImportFormat):
        raise Usage(f"--format: {unknown('format', format, get_args(ImportFormat))}")
    if benchmark not in BENCHMARKS:
        raise Usage(f"--benchmark: {unknown('benchmark', benchmark, tuple(BENCHMARKS))}")
    try:
        if labels is not None:
            files, notes = scored(path, labels, BENCHMARKS[benchmark])
            chosen: Any = "xtreme"
            for words in notes:
                say(f"note: {words}")
        else:
            chosen = format or guess(path)
            files = gather(path, chosen)
    except (NotGathered, OSError) as error:
        raise Usage(str(error)) from None
    asked = {
        "format": chosen, "source": source, "settings": settings, "note": note, "files": [f.model_dump() for f in files],
        "model": model, "recipe": recipe, "target": target, "language": language, "seed": seed, "dry_run": dry_run,
    }  # fmt: skip
    with remote(url, timeout=120) as there:
        done = ImportDone.model_validate(there.post("/imports", asked).json())
    if as_json:
        print_json(done.model_dump(mode="json"))
    for words in done.notes:
        say(f"note: {words}")
    say(done.said)
