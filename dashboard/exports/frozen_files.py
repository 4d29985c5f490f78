"""What a reader of a frozen page can take along: files of the numbers, of the figure as it is shown, and the figure for another page."""

from __future__ import annotations

import asyncio
from typing import Any

from dash import get_app, html

from backend.domain.schemas import Shared, SnapshotContent
from dashboard import embed, frozen, links, offline, states
from dashboard.exports import dialog, made
from dashboard.exports.paper import WIDTHS
from dashboard.look import LIGHT

WHOLE = {".html": "Single HTML file", ".json": "JSON"}
NUMBERS = {"csv": "CSV", "parquet": "Parquet"}
FRAME = 70  # px of an embedded figure that are not figure


async def listing(shared: Shared, token: str, address: str) -> list[Any]:
    """The links.

    Args:
        address: of the page as it is shown, which files of tables and figures follow.
    """
    server = get_app().server
    query = address.partition("?")[2]
    subject = made.shared(shared, query, token=token, url=server.state.url, program="Crosslift")

    said, snippet = await dialog.texts(subject)
    tall = await height(shared.content, query)

    def of(suffix: str) -> str:
        return links.exported(address, suffix, frozen=True)

    def narrow(suffix: str) -> str:
        return links.exported(address, suffix, frozen=True, width="column")

    whole = [
        html.A(label, href=links.shared(token, suffix), download=offline.file_name(shared, suffix), className="button-link")
        for suffix, label in WHOLE.items()
    ]  # fmt: skip
    return [
        html.H2("Take it with you"),
        html.Div(whole, className="share-actions"),
        html.P(
            [
                "The HTML file opens from disk without a network. The JSON is the frozen content, byte by byte; its SHA-256 is "
                "the address above: ",
                html.Code(f"sha256sum {offline.file_name(shared, '.json')}"),
                ".",
            ],
            className="soft",
        ),
        html.P("As it is shown:", className="pick-label"),
        dialog.files(of, subject.suffixes, NUMBERS | dialog.PAPER, subject.name),
        html.P(f"The figure for paper, {WIDTHS['page']:g} cm wide, or one column of {WIDTHS['column']:g} cm:", className="pick-label"),
        html.Div(
            [
                dialog.files(of, subject.suffixes, dialog.FIGURES, subject.name),
                dialog.files(narrow, subject.suffixes, {s: f"{label}, one column" for s, label in dialog.FIGURES.items()}, subject.name),
            ]
        ),
        html.Details([html.Summary("Caption and notebook"), *dialog.for_text(said, snippet)], className="share-all"),
        html.Details([html.Summary("The figure in another page"), *_frame(shared, address, tall)], className="share-all"),
    ]  # fmt: skip


async def height(content: SnapshotContent, query: str) -> int:
    """Of the figure in px, which has to be drawn for it: once, and not while other pages wait."""
    drawn = await asyncio.to_thread(lambda: frozen.draw(content, frozen.sliced(content, query), [LIGHT]))
    return int(drawn["light"]["layout"]["height"])


def _frame(shared: Shared, address: str, tall: int) -> list[Any]:
    state = get_app().server.state
    text = embed.snippet(state.url + links.embedded(address), shared.title, tall + FRAME)
    allowed = f"Pages of {', '.join(state.embed)} may show it." if state.embed else (
        "No page may show it yet: whoever runs this installation names those that may, by CROSSLIFT_EMBED_ORIGINS."
    )  # fmt: skip
    return [
        html.P(["The figure alone, as it is shown, without the rest of this page. ", allowed], className="soft"),
        html.Div(
            [states.copy_button("frozen-frame"), html.Pre(text, id="frozen-frame", className="code export-wrap", tabIndex="0")],
            className="code-panel",
        ),
    ]  # fmt: skip
