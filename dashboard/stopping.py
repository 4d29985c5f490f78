"""The question before many runs are cancelled, the same on every page that lists runs."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html


def dialog(page: str) -> Any:
    """A dialog that is closed at first; its parts are ``PAGE-confirm``, ``PAGE-keep`` (change nothing) and ``PAGE-sure``."""
    return dmc.Modal(
        [
            html.P(
                "They stop for every experiment that shares them: one that runs at its next step, the others at once. A stopped run "
                "keeps no score; what waits for it is skipped."
            ),
            html.Div(
                [
                    dmc.Button("Go on", id=f"{page}-keep", variant="default", n_clicks=0),
                    dmc.Button("Cancel them", id=f"{page}-sure", color="red", n_clicks=0),
                ],
                className="confirm",
            ),
        ],
        id=f"{page}-confirm",
        title="Cancel these runs?",
        opened=False,
        keepMounted=True,
        closeButtonProps={"aria-label": "Close"},
    )
