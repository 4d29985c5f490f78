"""Examples that flipped, as components: McNemar's table, the kinds of examples, and each example with what was said of it.

Texts are of any language and script: each stands in an element of its own that has a direction (``dir``, ``bdi``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dash import dcc, html

from backend.domain.flips import FlipKinds, FlippedExample, FlippedSeed, Flips, FlipTable
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.schemas import GainMatrix, Page
from backend.domain.task import RETRIEVAL, Format
from backend.domain.tasks import TASKS
from dashboard import links, words
from dashboard.links import Cell, Explore
from dashboard.look import count, gain, probability
from dashboard.shell import aria, data

TITLES = {"fixed": "Fixed by transfer", "broken": "Broken by transfer"}
NOTES = {"fixed": "wrong without the recipe, right with it", "broken": "right without the recipe, wrong with it"}
TOKENS = 60  # of a sentence, shown
SHOWN = 3  # of ranked answers


def address(cell: Cell, matrix: GainMatrix, state: Explore) -> str:
    """Where the examples of a cell are."""
    return links.Flips(
        language=cell.language, metric=state.metric, model=matrix.model, recipe=cell.recipe, settings=state.settings,
        source=state.source, target=matrix.target,
    ).address  # fmt: skip


# --- counts ------------------------------------------------------------------------------------------------------------


def told(found: Flips) -> str:
    """The whole in two sentences."""
    n = len(found.tables)
    if n == 1:
        one = found.tables[0]
        changed = one.fixed + one.broken
        return (
            f"Of {count(one.examples, 'example')}, {one.fixed:,} were fixed and {one.broken:,} broken by {found.recipe}; "
            f"{_verdict(one)} (exact McNemar test over the {count(changed, 'example')} that changed, p {_p(one.p)})."
        )
    return (
        f"In {count(n, 'seed')}, {found.recipe} fixed {count(found.fixed, 'example')} more often than it broke them, and broke "
        f"{count(found.broken, 'example')} more often than it fixed them; {found.both:,} went either way as often."
    )


def _p(value: float) -> str:
    text = probability(value)
    return text if text.startswith("<") else f"= {text}"


def _verdict(one: FlipTable) -> str:
    if one.fixed + one.broken == 0:
        return "none changed"
    if one.p >= 0.05:
        return "no more in one direction than chance would give"
    return (
        "more were fixed than chance would give"
        if one.fixed > one.broken
        else "more were broken than chance would give"
    )


def tables(found: Flips) -> list[Any]:
    """A row a seed, and of one seed alone the table itself, as McNemar has it."""
    head = ("Seed", "right, still right", "fixed", "broken", "wrong, still wrong", "examples", "net", "p, exact")
    rows = [
        html.Tr(
            [
                html.Th([_seed(t.seed), " ", *_runs(t)], scope="row"),
                *(html.Td(f"{v:,}", **data(label=name)) for name, v in zip(head[1:6], _counts(t), strict=True)),
                html.Td(_net(t), **data(label="net")),
                html.Td(probability(t.p), **data(label="p, exact")),
            ]
        )
        for t in found.tables
    ]
    made: list[Any] = [
        html.Div(
            html.Table(
                [
                    html.Caption("Examples by what became of them", className="unseen"),
                    html.Thead(html.Tr([html.Th(name, scope="col") for name in head])),
                    html.Tbody(rows),
                ],
                className="plain-table flips-seeds",
            ),
            className="scroll",
        )
    ]
    if len(found.tables) == 1:
        made.insert(0, _square(found.tables[0]))
    else:
        said = "Each seed has a test of its own. They are not added up: the same examples in all of them are not independent."
        made.append(html.P(said, className="soft"))
    return made


def _counts(t: FlipTable) -> tuple[int, ...]:
    return t.both_right, t.fixed, t.broken, t.both_wrong, t.examples


def _net(t: FlipTable) -> str:
    return f"{gain(100 * (t.fixed - t.broken) / t.examples)} %" if t.examples else "–"


def _seed(seed: int | None) -> str:
    return "no seed" if seed is None else f"{seed}"


def _runs(t: FlipTable) -> list[Any]:
    return [
        html.Span(["runs ", dcc.Link(f"#{t.baseline_run}", href=links.run(t.baseline_run)), " → ",
                   dcc.Link(f"#{t.run}", href=links.run(t.run))], className="soft flips-runs"),
    ]  # fmt: skip


def _square(t: FlipTable) -> Any:
    def row(name: str, right: int, wrong: int, marked: str) -> Any:
        of_right, of_wrong = ("flips-same", "flips-broken") if marked == "broken" else ("flips-fixed", "flips-same")
        cells = [html.Td(f"{right:,}", className=of_right), html.Td(f"{wrong:,}", className=of_wrong)]
        return html.Tr([html.Th(name, scope="row"), *cells])

    return html.Table(
        [
            html.Caption("McNemar's table: rows without the recipe, columns with it"),
            html.Thead(html.Tr([html.Td(), html.Th("with: right", scope="col"), html.Th("with: wrong", scope="col")])),
            html.Tbody(
                [
                    row("without: right", t.both_right, t.broken, "broken"),
                    row("without: wrong", t.fixed, t.both_wrong, "fixed"),
                ]
            ),
        ],
        className="flips-square",
    )


# --- kinds -------------------------------------------------------------------------------------------------------------


def kinds(found: Flips, state: links.Flips) -> list[Any]:
    """A table for each way in which examples are told apart; a kind leads to its examples alone."""
    over = (
        "" if len(found.tables) == 1 else f" Counted over {count(len(found.tables), 'seed')}, each example once a seed."
    )
    note = html.P(f"Choose a kind to see its examples alone.{over}", className="soft")
    return [note, html.Div([_kinds(k, state) for k in found.kinds], className="flips-kinds")]


def _kinds(one: FlipKinds, state: links.Flips) -> Any:
    title = html.H3(one.title)
    if one.missing is not None:
        return html.Div([title, html.P(f"Not told apart: {one.missing}.", className="soft")])
    chosen = dict(each.split(":", 1) for each in state.kind.split(",")).get(one.key) if state.kind else None
    rows = [
        html.Tr(
            [
                html.Th(
                    dcc.Link(
                        [html.Bdi(k.name), html.Span(" (chosen)", className="unseen") if chosen == k.key else None],
                        href=replace(state, **state.toggled(one.key, k.key)).address,
                        className="flips-kind",
                    ),
                    scope="row",
                ),
                html.Td(f"{k.examples:,}"),
                html.Td(f"{k.fixed:,}"),
                html.Td(f"{k.broken:,}"),
                html.Td(f"{gain(100 * (k.fixed - k.broken) / k.examples)} %" if k.examples else "–"),
            ],
            className="flips-chosen" if chosen == k.key else "",
        )
        for k in one.kinds
    ]  # fmt: skip
    names = ("kind", "examples", "fixed", "broken", "net")
    return html.Div(
        [
            title,
            html.Table(
                [
                    html.Caption(f"Turned examples by {one.title.lower()}", className="unseen"),
                    html.Thead(html.Tr([html.Th(name, scope="col") for name in names])),
                    html.Tbody(rows),
                ],
                className="pairs",
            ),
        ]
    )


def chosen(found: Flips, state: links.Flips) -> list[Any]:
    """What the examples are narrowed to, each with the way out of it."""
    names = {(k.key, each.key): f"{k.title}: {each.name}" for k in found.kinds for each in k.kinds}
    made = []
    for each in state.kind.split(",") if state.kind else ():
        key, _, kind = each.partition(":")
        out = replace(state, **state.toggled(key, kind)).address
        label = names.get((key, kind), each)
        made.append(dcc.Link([html.Bdi(label), html.Span(" ×", **aria(hidden="true"))], href=out, className="flips-out", title=f"No longer only: {label}"))  # fmt: skip
    return made


# --- examples ----------------------------------------------------------------------------------------------------------


def column(direction: str, page: Page[FlippedExample], found: Flips, state: links.Flips) -> Any:
    """One direction: its examples and where there are more."""
    onward: list[Any] = []
    if getattr(state, direction) is not None:
        onward.append(dcc.Link("First", href=_from(state, direction, None)))
    if page.next_cursor is not None:
        onward.append(dcc.Link("Next", href=_from(state, direction, page.next_cursor)))
    title = TITLES[direction]
    return html.Section(
        [
            html.H2([title, " ", html.Span(f"{page.total:,}", className="soft")], id=f"flips-{direction}-title"),
            html.P(NOTES[direction], className="soft"),
            *(example(each, found) for each in page.items),
            html.P("None of these.", className="soft") if not page.items else None,
            html.Nav(onward, className="flips-onward", **aria(label=f"Pages of: {title}")) if onward else None,
        ],
        className=f"flips-column flips-{direction}-column",
        **aria(labelledby=f"flips-{direction}-title"),
    )


def _from(state: links.Flips, direction: str, cursor: str | None) -> str:
    """Where this list begins at the cursor, and the other stays where it is."""
    return (replace(state, fixed=cursor) if direction == "fixed" else replace(state, broken=cursor)).address


def example(one: FlippedExample, found: Flips) -> Any:
    seeds = len(one.seeds)
    head: list[Any] = [html.Span(["Example ", html.Bdi(one.id)], className="flips-id")]
    if seeds > 1:
        head.append(html.Span(_how_often(one), className="flips-often"))
    said = [_line("Gold", answer(one.gold, one, found), "flips-gold")]
    if seeds == 1:
        said += [
            _said(name, one, one.seeds[0], treated, found) for name, treated in (("Without", False), ("With", True))
        ]
    body: list[Any] = [html.Div(head, className="flips-head")]
    if one.texts:
        body.append(html.Dl([_text(t.name, t.text, found.language) for t in one.texts], className="flips-texts"))
    body.append(html.Dl(said, className="flips-said"))
    if seeds > 1:
        body.append(_by_seed(one, found))
    if one.kinds:
        body.append(
            html.P([part for k in one.kinds for part in (html.Bdi(k), " · ")][:-1], className="soft flips-tags")
        )
    return html.Article(body, className="flips-example")


def _how_often(one: FlippedExample) -> str:
    parts = [
        f"{what} by {n} of {count(len(one.seeds), 'seed')}"
        for what, n in (("fixed", one.fixed), ("broken", one.broken))
        if n
    ]
    return ", ".join(parts)


def _text(name: str, text: str, language: str) -> Any:
    """In the direction of its language: a sentence that begins with a name in Latin letters would be turned by ``auto``."""
    code = ENGLISH if name == "English" else language
    return html.Div([html.Dt(name), html.Dd(html.P(text, dir=LANGUAGES[code].direction, lang=code))])


def _line(name: str, value: Any, className: str) -> Any:
    return html.Div([html.Dt(name), html.Dd(value)], className=className)


def _said(name: str, one: FlippedExample, seed: FlippedSeed, treated: bool, found: Flips) -> Any:
    right = seed.treated_right if treated else seed.baseline_right
    return _line(name, _mark(one, seed, treated, found), "flips-right" if right else "flips-wrong")


def _mark(one: FlippedExample, seed: FlippedSeed, treated: bool, found: Flips) -> list[Any]:
    right, sure, text = (
        (seed.treated_right, seed.treated_confidence, seed.treated)
        if treated
        else (seed.baseline_right, seed.baseline_confidence, seed.baseline)
    )
    word = html.Span("✓ " if right else "✗ ", **aria(hidden="true"))
    unseen = html.Span("right: " if right else "wrong: ", className="unseen")
    share = html.Span(f" {100 * sure:.0f} % sure", className="soft") if sure is not None else None
    return [word, unseen, answer(text, one, found), share]


def _by_seed(one: FlippedExample, found: Flips) -> Any:
    rows = [
        html.Tr(
            [
                html.Th(_seed(s.seed), scope="row"),
                *(html.Td(_mark(one, s, treated, found), className="flips-right" if right else "flips-wrong")
                  for treated, right in ((False, s.baseline_right), (True, s.treated_right))),
            ]
        )
        for s in one.seeds
    ]  # fmt: skip
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(n, scope="col") for n in ("seed", "without", f"with {found.recipe}")])),
            html.Tbody(rows),
        ],
        className="flips-by-seed",
    )


def answer(text: str, one: FlippedExample, found: Flips) -> Any:
    """A stored answer in words: tags beside their tokens, options and retrieved texts as they read."""
    task = TASKS.get(found.target)
    listed = _listed(text)
    if task is None:
        return _words(text, found)
    if task.format is Format.TAGGING and listed is not None:
        return _tags(listed, _listed(one.gold) or listed, one.tokens, found)
    if task.format in RETRIEVAL:
        return _retrieved(listed if listed is not None else [text], one, found)
    if task.format is Format.MULTIPLE_CHOICE:
        option = next((t.text for t in one.texts if t.name == f"Option {text}"), None)
        return _words(f"Option {text}" if option is None else option, found)
    if listed is not None:
        parts = [part for each in listed for part in (_words(each, found), " · ")][:-1]
        return html.Span(parts) if parts else html.Em("no answer")
    return _words(text, found) if text else html.Em("no answer")


def _listed(text: str) -> list[str] | None:
    try:
        found = json.loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    return [str(each) for each in found] if isinstance(found, list) else None


def _words(text: str, found: Flips) -> Any:
    return html.Bdi(text, lang=found.language)


def _tags(tags: Sequence[str], gold: Sequence[str], tokens: Sequence[str], found: Flips) -> Any:
    """Tokens that have a tag, or should have; a tag that is not the gold one stands out."""
    shown: list[Any] = []
    for i, (tag, right) in enumerate(zip(tags, gold, strict=False)):
        if tag == right == "O":
            continue
        token = tokens[i] if i < len(tokens) else f"token {i + 1}"
        className = "flips-tag" if tag == right else "flips-tag flips-other"
        shown.append(html.Span([_words(token, found), html.Sub(tag)], className=className))
        shown.append(" ")
        if len(shown) >= 2 * TOKENS:
            shown.append("…")
            break
    return html.Span(shown) if shown else html.Em("no tag")


def _retrieved(ids: Sequence[str], one: FlippedExample, found: Flips) -> Any:
    if not ids:
        return html.Em("nothing")
    parts: list[Any] = []
    for id in ids[:SHOWN]:
        parts += (
            [_words(one.words[id], found), html.Span(f" ({id})", className="soft")]
            if id in one.words
            else [_words(id, found)]
        )
        parts.append(" · ")
    more = [html.Span(f" and {len(ids) - SHOWN} more", className="soft")] if len(ids) > SHOWN else []
    return html.Span([*parts[:-1], *more])


def about(found: Flips) -> list[Any]:
    """Where the texts come from, and whose they are."""
    said = "Texts are not shown" if found.without_texts else f"Texts: {found.texts}"
    why = f": {found.without_texts}." if found.without_texts else "."
    return [
        html.P([said, why], className="soft"),
        html.P(
            [
                "Texts and gold answers are the data set's and stay under its licence: ",
                html.B(found.licence),
                ". ",
                found.citation,
                ".",
            ],
            className="soft",
        ),
    ]


def facts(found: Flips) -> str:
    """What the score says, beside what is counted here."""
    less = ", of an error rate fewer errors" if found.lower_is_better else ""
    return (
        f"Gain in {words.metric_title(found.metric)}: {gain(found.gain)} points over {count(len(found.seeds), 'seed')}{less}. Here an "
        f"example counts as right where {found.right_when}."
    )
