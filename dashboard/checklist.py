"""MultiCheckList as components: error rates test by language, and the cases that are failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dash import dcc, html

from backend.domain.checks import ALL, TITLES, CheckCell, CheckFailures, CheckMatrix, CheckQuestion, FailedCase
from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.recipe import BASELINE
from dashboard import links, words
from dashboard.look import SEQUENTIAL, colour, count, gain, ink_on, interval, score
from dashboard.shell import aria

COLOURS = SEQUENTIAL[::-1]  # the colour of a good score is the same for every metric


def told(found: CheckMatrix) -> str:
    """What the matrix says in two sentences."""
    every = [c for c in found.cells if c.test != ALL and c.error is not None]
    if not every:
        return "No error rate yet."
    worst = max(every, key=lambda c: c.error or 0.0)
    said = (
        f"Less is better. Most cases fail in {TITLES[worst.test].lower()} in {words.language_name(worst.language)}: {score(worst.error)} "
        "in a hundred."
    )
    if found.recipe == BASELINE.name:
        return f"{said} These are the baseline's, without an intermediate task."
    won = [c for c in every if c.low is not None and c.low > 0]
    lost = [c for c in every if c.high is not None and c.high < 0]
    of = [c for c in every if c.low is not None]
    if not of:
        return f"{said} No difference to the baseline has an interval: that takes two seeds."
    return (
        f"{said} Of {count(len(of), 'cell')} with an interval over seeds, {len(won)} have fewer errors than the baseline and {len(lost)} have "
        "more, the interval of each looked at alone: among twenty, one is expected to miss."
    )


def matrix(found: CheckMatrix, state: links.Checklist) -> Any:
    """Languages down, tests across: an error rate, and below it what the recipe won over the baseline."""
    at = {(c.test, c.language): c for c in found.cells}
    head = [html.Th("Language", scope="col"), *(html.Th(TITLES[test], scope="col") for test in found.tests)]
    rows = [
        html.Tr(
            [
                html.Th([words.language_name(code), html.Span(f" {code}", className="soft")], scope="row"),
                *(_cell(at[test, code], found, state) for test in found.tests),
            ]
        )
        for code in found.languages
    ]
    about = f"Error rates of {found.recipe} with {words.model_title(found.model)}, in percent of cases; less is better"
    table = html.Table(
        [html.Thead(html.Tr(head)), html.Tbody(rows)], className="check-matrix", **aria(label=about)
    )  # fmt: skip
    return html.Div(
        table,
        className="scroll check-box", tabIndex="0", role="region", **aria(label="Error rates by test and language"),
    )  # fmt: skip


def _cell(cell: CheckCell, found: CheckMatrix, state: links.Checklist) -> Any:
    if cell.error is None:
        kind = cell.missing or Missing.NOT_RUN
        return html.Td(
            words.MISSING[kind], className=f"check-none check-{kind.value.replace('_', '-')}", title=cell.why_missing or words.MISSING_AT_LENGTH[kind]
        )  # fmt: skip
    ground = colour(COLOURS, cell.error, 0.0, 100.0)
    style = {"background": ground, "color": ink_on(ground)}
    inside: list[Any] = [html.B(score(cell.error))]
    said = f"{score(cell.error)} % of cases fail"
    if cell.gain is not None:
        inside.append(html.Span(interval(cell.gain, cell.low, cell.high), className="check-gain"))
        said += f"; without {score(cell.baseline)}; {gain(cell.gain)} points won, {words.seeds(len(cell.seeds))}"
    if cell.test == ALL:
        return html.Td(inside, style=style, title=said)
    here = replace(state, language=cell.language, test=cell.test, model=found.model, recipe=found.recipe, cursor=None)
    chosen = (state.language, state.test) == (cell.language, cell.test)
    name = html.Span(
        f"Failing cases of {TITLES[cell.test]} in {words.language_name(cell.language)}: ", className="unseen"
    )
    link = dcc.Link([name, *inside], href=here.address, title=said, style={"color": style["color"]})
    return html.Td(link, style=style, className="check-chosen" if chosen else "")


def failures(found: CheckFailures, state: links.Checklist) -> list[Any]:
    """The failing cases of one cell."""
    assert state.language is not None and state.test is not None
    title = f"{TITLES[state.test]} in {words.language_name(state.language)}: what fails"
    seed = "without a seed" if found.seed is None else f"seed {found.seed}"
    said: list[Any] = [
        f"{found.failed:,} of {count(found.cases, 'case')} fail ({score(100 * found.failed / found.cases)} %) in ",
        dcc.Link(f"run #{found.run}", href=links.run(found.run)),
        f", {seed}. A case fails where any of its questions is answered wrongly.",
    ]
    onward: list[Any] = []
    if state.cursor is not None:
        onward.append(dcc.Link("First", href=replace(state, cursor=None).address))
    if found.next_cursor is not None:
        onward.append(dcc.Link("Next", href=replace(state, cursor=found.next_cursor).address))
    missing = (
        html.P(f"Paragraphs and questions are not shown: {found.without_texts}.", className="soft")
        if found.without_texts
        else None
    )
    return [
        html.H2(title, className="imports-heading"),
        html.P(said),
        missing,
        html.Div([_case(each, state.language, found) for each in found.items], className="check-cases"),
        html.P("None fails.", className="soft") if not found.items else None,
        html.Nav(onward, className="flips-onward", **aria(label="Pages of failing cases")) if onward else None,
        html.P(["The list's texts stay under its licence: ", html.B(found.licence), "."], className="soft"),
    ]


def _case(case: FailedCase, language: str, found: CheckFailures) -> Any:
    wrong = sum(not q.right for q in case.questions)
    head = html.Div(
        [
            html.Span(f"Case {case.case}"),
            html.Span(f"{wrong} of {count(len(case.questions), 'question')} wrong", className="flips-often"),
        ],
        className="flips-head",
    )
    shown: list[Any] = [head]
    paragraph = ""
    for q in case.questions:
        mine = next((t.text for t in q.texts if t.name == "Paragraph"), "")
        if mine and mine != paragraph:
            shown.append(html.P(mine, lang=language, dir=LANGUAGES[language].direction, className="check-paragraph"))
        paragraph = mine or paragraph
        shown.append(_question(q, language))
    return html.Article(shown, className="flips-example")


def _question(q: CheckQuestion, language: str) -> Any:
    asked = next((t.text for t in q.texts if t.name == "Question"), None)
    sure = html.Span(f" {100 * q.confidence:.0f} % sure", className="soft") if q.confidence is not None else None
    mark = [
        html.Span("✓ " if q.right else "✗ ", **aria(hidden="true")),
        html.Span("right: " if q.right else "wrong: ", className="unseen"),
    ]
    answer: Sequence[Any] = [html.Bdi(q.answer, lang=language)] if q.answer else [html.Em("no answer")]
    lines = [_line("Question", html.P(asked, lang=language, dir=LANGUAGES[language].direction))] if asked else []
    lines.append(_line("Answer", html.Span([*mark, *answer, sure]), "flips-right" if q.right else "flips-wrong"))
    if not q.right:
        lines.append(_line("Expected", html.Bdi(q.expected, lang=language)))
    return html.Dl(lines, className="flips-said")


def _line(name: str, value: Any, className: str = "") -> Any:
    return html.Div([html.Dt(name), html.Dd(value)], className=className)
