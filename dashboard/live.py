"""Live pages: the API's stream of events pokes a store, and what listens to that store asks the API anew.

A page puts ``stream`` into its layout and lets its callbacks listen to its store and to the shell's ``clock``. Names of
components are a page's own: a callback of which only some parts are on a page is an error there.
``assets/live.js`` holds the stream; where there is none (too many are open, the API is away, the tab is hidden) the clock
alone goes on.
"""

from __future__ import annotations

import hashlib
from typing import Any

from dash import ClientsideFunction, Input, Output, clientside_callback, dcc, html, no_update

OFTEN_MILLISECONDS = 1_000
SELDOM_MILLISECONDS = 4_000  # where much has to be read each time
MUCH = 400  # runs


def stream(page: str, address: str | None, *, runs: int = 1) -> Any:
    """What keeps a page live: ``{page}-live`` changes when there may be news. No address: there is nothing to watch."""
    return html.Div(
        [
            dcc.Store(id=f"{page}-live"),
            dcc.Store(id=f"{page}-watch", data=watched(page, address, runs=runs)),
            dcc.Store(id=f"{page}-go"),
            html.Div(id=f"{page}-live-sink", hidden=True),
        ],
        id="live-here",
        hidden=True,
    )


def watched(page: str, address: str | None, *, runs: int = 1) -> dict[str, Any]:
    """What the browser is to watch, how often it says so, and which store it pokes."""
    every = SELDOM_MILLISECONDS if runs > MUCH else OFTEN_MILLISECONDS
    return {"url": address, "every": every, "store": f"{page}-live"}


def listen(page: str) -> None:
    """Register what happens in the browser, once for each page."""
    sink = f"{page}-live-sink"
    clientside_callback(ClientsideFunction("live", "watch"), Output(sink, "children"), Input(f"{page}-watch", "data"))
    clientside_callback(
        ClientsideFunction("live", "go"), Output(sink, "title"), Input(f"{page}-go", "data"), prevent_initial_call=True
    )


def fresh(parts: dict[str, Any], seen: Any) -> tuple[list[Any], dict[str, str]]:
    """Parts that differ from what is shown, the others as no update; and the digests of what is then shown."""
    last = seen if isinstance(seen, dict) else {}
    now = {name: hashlib.sha256(repr(part).encode()).hexdigest()[:16] for name, part in parts.items()}
    return [part if now[name] != last.get(name) else no_update for name, part in parts.items()], now
