"""Pages on which every choice is an address: a control goes to the address under which it says something else, and the page is built
anew from that. What has just been drawn is no choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx, dcc, html, no_update

from backend.errors import CrossliftError


def stores(page: str, address: str, asked: str) -> list[Any]:
    """What ``listen`` needs of a page. ``address``: of what it shows; ``asked``: under which it was asked for, which may leave things open."""
    return [
        dcc.Store(id=f"{page}-state", data=address),
        dcc.Store(id=f"{page}-asked", data=asked),
        dcc.Store(id=f"{page}-go"),
        html.Div(id=f"{page}-sink", hidden=True),
    ]


def listen(page: str, picks: Sequence[str], to: Callable[[str, Any, str], str]) -> None:
    """Let these controls go to addresses, and the address bar say what an address left open, so that a link shows the same later.

    Args:
        picks: what the controls are called; ``{page}-{name}`` is one's id.
        to: from a control's name, what it says now and the query of the present address to the address that is meant.
    """

    @callback(
        Output(f"{page}-go", "data"),
        *(Input(f"{page}-{name}", "value") for name in picks),
        State(f"{page}-state", "data"),
        prevent_initial_call=True,
    )
    async def go(*given: Any) -> Any:
        *chosen, now = given
        here = {str(i).removeprefix(f"{page}-") for i in ctx.triggered_prop_ids.values()}
        if len(here) != 1 or not isinstance(now, str):  # they have just been drawn
            return no_update
        [name] = here
        address = to(name, dict(zip(picks, chosen, strict=True)).get(name), now.partition("?")[2])
        return {"address": address} if address != now else no_update

    clientside_callback(
        ClientsideFunction("live", "go"),
        Output(f"{page}-sink", "title"),
        Input(f"{page}-go", "data"),
        prevent_initial_call=True,
    )
    clientside_callback(
        ClientsideFunction("live", "tell"),
        Output(f"{page}-sink", "children"),
        Input(f"{page}-state", "data"),
        State(f"{page}-asked", "data"),
    )


def nothing(problem: CrossliftError | None, onward: list[Any]) -> Any:
    """Why such a page has nothing to show, and where to go from here."""
    said = [problem.detail, *(e.message for e in problem.errors)] if problem is not None else []
    return html.Div(
        [html.H2("There is nothing to show"), *(html.P(text) for text in said), html.P(onward)], className="nothing"
    )
