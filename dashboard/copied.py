"""The button that puts the address of a page on the clipboard, the same in the head of every page that has one."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, clientside_callback


def button(page: str) -> Any:
    """For the head of a page; ``listen`` makes it work."""
    return dmc.Button("Copy link", id=f"{page}-copy", variant="default", size="xs", className="copy")


def listen(page: str) -> None:
    """Once for each page with the button. What was copied is the address bar's, and the button says for a while that it was."""
    clientside_callback(
        ClientsideFunction("crosslift", "copy"),
        Output(f"{page}-copy", "children"),
        Input(f"{page}-copy", "n_clicks"),
        prevent_initial_call=True,
    )
