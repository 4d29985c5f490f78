"""A submission that was checked, as components: its scores by both rules, and a tree of tasks and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from backend.domain.submission import GroupScore, SubmissionCheck, SubmittedFile, SubmittedTask
from backend.domain.tasks import TASKS
from dashboard import words
from dashboard.look import count, score
from dashboard.shell import aria

MARKS = {
    "right": "✓", "read": "✓", "missing": "–", "wrong suffix": "✗", "wrong length": "✗", "unreadable": "✗", "unknown label": "!",
}  # fmt: skip
FINE = ("right", "read")
GROUPS = {
    "classification": "Classification", "tagging": "Tagging", "qa": "Question answering", "retrieval": "Retrieval",
    "retrieval_with_lareqa": "Retrieval with LAReQA", "multi_choice": "Multiple choice", "overall": "Overall",
}  # fmt: skip
LABELS = {
    "upload": "the labels in the upload",
    "data root": "the labels under the data root",
    "stored": "the gold answers that were stored with the predictions",
}


def panel(found: SubmissionCheck) -> list[Any]:
    """Everything that is known of it."""
    return [
        html.P(told(found), className="answer", role="status"),
        html.H2("Score preview", className="imports-heading"),
        *_scores(found),
        html.H2("Files", className="imports-heading"),
        html.P(
            [
                html.Span(["✓ right ", "· ", "– missing ", "· ", "✗ wrong suffix, wrong length or unreadable ", "· ", "! unknown label"]),
                "" if found.labels else " · without labels a wrong length cannot be seen",
            ],
            className="soft",
        ),
        html.Div([_task(t) for t in found.tasks], className="submit-tree"),
        *_beside(found),
    ]  # fmt: skip


def told(found: SubmissionCheck) -> str:
    """The whole in two sentences."""
    every = [f for t in found.tasks for f in t.files]
    fine = sum(f.status in FINE for f in every)
    against = f"scored against {LABELS[found.labels]}" if found.labels else "read, and not scored: there are no labels"
    where = f" (in {found.folder}/)" if found.folder else ""
    whole = "Nothing is wrong with it" if not found.wrong else f"{count(found.wrong, 'file')} missing or wrong"
    return f"{fine} of {len(every)} files of {found.title} are right{where}, {against}. {whole}."


def _scores(found: SubmissionCheck) -> list[Any]:
    if found.labels is None:
        return [html.P("There is no score without labels.", className="soft")]
    blocks = [_groups("By the official rules", found.official), _groups("By the paper's, with LAReQA", found.ours)]
    made: list[Any] = [html.Div(blocks if found.official_note else blocks[:1], className="submit-scores")]
    if found.official_note:
        made.append(html.P(found.official_note, className="soft"))
    return made


def _groups(title: str, groups: Sequence[GroupScore]) -> Any:
    rows = []
    for g in groups:
        named = ", ".join(words.task_title(name) for name in g.without)
        lacking = f"no score of {named if len(g.without) < 5 else f'{len(g.without)} of {len(g.tasks)} tasks'}"
        rows.append(
            html.Tr(
                [
                    html.Th(GROUPS.get(g.name, g.name), scope="row"),
                    html.Td(score(g.score), className="submit-number"),
                    html.Td(lacking if g.without else "", className="soft"),
                ],
                className="submit-overall" if g.name == "overall" else "",
            )
        )
    return html.Table([html.Caption(title), html.Tbody(rows)], className="plain-table submit-groups")


def _task(task: SubmittedTask) -> Any:
    fine = sum(f.status in FINE for f in task.files)
    value = f"{score(task.score)} points" if task.score is not None else "no score"
    title = words.task_title(task.name) if task.name in TASKS else task.name
    wrong = [f for f in task.files if (f.said and f.status not in FINE) or any("labels:" in text for text in f.said)]
    summary = html.Summary(
        [
            html.Span(MARKS["right"] if fine == len(task.files) else MARKS["missing"] if not task.there else MARKS["unreadable"],
                      className="submit-mark", **aria(hidden="true")),
            html.B(title),
            html.Span(f" {fine} of {len(task.files)} files", className="soft"),
            html.Span(f" · {value}", className="soft"),
        ]
    )  # fmt: skip
    body: list[Any] = [html.Ul([_file(f) for f in task.files], className="submit-files")]
    if wrong:
        body.append(
            html.Ul([html.Li([html.Code(f.file), ": ", "; ".join(f.said)]) for f in wrong], className="submit-said")
        )
    if task.average:
        body.append(
            html.P(", ".join(f"{name} {score(points)}" for name, points in task.average.items()), className="soft")
        )
    return html.Details([summary, *body], open=task.there > 0 and fine < len(task.files), className="submit-task")


def _file(file: SubmittedFile) -> Any:
    points = ", ".join(f"{name} {score(value)}" for name, value in file.points.items())
    name = words.language_name(file.language)
    return html.Li(
        [
            html.Span(MARKS[file.status], **aria(hidden="true")),
            html.Span([" ", file.language], title=name),
            html.Span(f": {name}, {file.status}", className="unseen"),
        ],
        className=f"submit-file submit-{file.status.replace(' ', '-')}",
        title="; ".join(part for part in (f"{name}, {file.file}: {file.status}", points, *file.said) if part),
    )


def _beside(found: SubmissionCheck) -> list[Any]:
    made: list[Any] = []
    if found.strangers:
        made += [
            html.H2("Not read", className="imports-heading"),
            html.Ul([html.Li(html.Code(text)) for text in found.strangers], className="submit-said"),
        ]
    if found.notes:
        made.append(html.Ul([html.Li(note) for note in found.notes], className="soft"))
    return made
