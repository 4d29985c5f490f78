"""``crosslift export`` and ``score``: scores and predictions as files, and the official numbers of predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import pages, remote, settings
from backend.cli.endings import FAILED, Usage
from backend.cli.printing import print_json, print_table, say
from backend.errors import unknown

if TYPE_CHECKING:
    from backend.submission.benchmarks import Benchmark
    from backend.submission.score import Report


def export(
    what: Annotated[str, typer.Argument(metavar="ID|xtreme|xtreme-r", help="An experiment; or a layout and the rest.")],
    experiment: Annotated[int | None, typer.Argument(min=1, metavar="EXPERIMENT", help="After a layout.")] = None,
    archive: Annotated[Path | None, typer.Argument(metavar="OUT.zip", help="After a layout: file to write.")] = None,
    url: Url = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of CSV.")] = False,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; - is standard output.")] = Path("-"),
    model: Annotated[str | None, typer.Option(help="Of a submission: only this model.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Of a submission: only this recipe.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of a submission: only this seed.")] = None,
    gold: Annotated[bool, typer.Option("--gold", help="Of a submission: the labels instead of predictions.")] = False,
) -> None:
    """Write every score of an experiment, one a row; or its predictions as a submission to XTREME-R."""
    from backend.submission.benchmarks import BENCHMARKS

    if what in BENCHMARKS:
        if experiment is None or archive is None:
            raise Usage(f"expected an experiment and a file: crosslift export {what} 3 {what}.zip")
        _submission(BENCHMARKS[what], experiment, archive, url, gold, {"model": model, "recipe": recipe, "seed": seed})
        return
    if not (what.isascii() and what.isdigit() and int(what)):
        raise Usage(f"{what}: expected the number of an experiment, or {' or '.join(BENCHMARKS)} and an experiment")
    if experiment is not None:
        raise Usage(f"{experiment} is one argument too many; the file of scores is named with --output")
    with remote(url) as there:
        answer = there.send("GET", f"/experiments/{what}/export", params={"format": "jsonl" if as_json else "csv"})
    if str(output) == "-":
        sys.stdout.buffer.write(answer.content)
        return
    try:
        output.write_bytes(answer.content)
    except OSError as error:
        raise Usage(f"{output} cannot be written: {error}") from None
    say(f"Wrote {output}")


def _submission(
    benchmark: Benchmark, experiment: int, archive: Path, url: str | None, gold: bool, only: dict[str, Any]
) -> None:
    from backend.domain.schemas import ExperimentView
    from backend.submission.stored import submissions, write_zip

    with remote(url) as there:
        view = there.view(ExperimentView, f"/experiments/{experiment}")
        chosen = submissions(pages(there, f"/experiments/{experiment}/runs"), benchmark, **only)
    about = {"experiment": view.id, "name": view.name, "benchmark": view.benchmark, "synthetic": view.synthetic}
    try:
        missing = write_zip(archive, chosen, benchmark, root=settings().artifact_root, about=about, gold=gold)
    except OSError as error:
        raise Usage(f"{archive} cannot be written: {error}") from None
    if view.synthetic:
        say(f"note: {view.benchmark} is synthetic: these are no predictions for {benchmark.title}'s own data")
    for words in missing:
        say(f"note: {words}")
    say(f"Wrote {archive}: {len(chosen)} submission{'s' if len(chosen) > 1 else ''}")


def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS_DIR", help="A submission: {task}/test-{language}.{tsv,json,jsonl}.")
    ],
    labels: Annotated[Path, typer.Argument(metavar="LABELS_DIR", help="The gold answers, in the same layout.")],
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", help="xtreme or xtreme-r.", metavar="xtreme|xtreme-r")
    ] = "xtreme-r",
    languages: Annotated[bool, typer.Option("--languages", help="Every language instead of the averages.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a submission to XTREME or XTREME-R; needs no running installation. Exit code 1 if it has problems."""
    from backend.submission.benchmarks import BENCHMARKS
    from backend.submission.score import score as score_folders

    if benchmark not in BENCHMARKS:
        raise Usage(f"--benchmark: {unknown('benchmark', benchmark, tuple(BENCHMARKS))}")
    try:
        report = score_folders(predictions, labels, BENCHMARKS[benchmark])
    except OSError as error:
        raise Usage(str(error)) from None
    if as_json:
        print_json(report.as_json())
    elif languages:
        print_table(
            ("task", "language", "metric", "points"),
            (
                (name, code, metric, f"{points:.2f}")
                for name, task in report.tasks.items()
                for code, values in task.languages.items()
                for metric, points in values.items()
            ),
        )
    else:
        _score_table(report, BENCHMARKS[benchmark])
    for note in report.notes:
        say(f"note: {note}")
    for problem in report.problems:
        say(f"problem: {problem}")
    if report.problems:
        raise typer.Exit(FAILED)


def _score_table(report: Report, benchmark: Benchmark) -> None:
    """Averages over languages, then groups, then the whole. Of tags, accuracy is said beside what makes the score."""
    found = {metric for task in report.tasks.values() for metric in task.average}
    metrics = [m for m in ("accuracy", "precision", "recall", "f1", "exact_match", "map@20") if m in found]
    rows: list[tuple[object, ...]] = []
    for name, task in report.tasks.items():
        averages = (f"{task.average[m]:.2f}" if m in task.average else "" for m in metrics)
        of = f"{len(task.languages)} of {len(benchmark.tasks[name].languages)}"
        rows.append((name, of, *averages, "" if task.score is None else f"{task.score:.2f}"))
    blank = [""] * (1 + len(metrics))
    rows += [(f"group {name}", *blank, f"{points:.2f}") for name, points in report.groups.items()]
    rows.append((benchmark.title, *blank, "" if report.overall is None else f"{report.overall:.2f}"))
    print_table(("task", "languages", *metrics, "score"), rows)
