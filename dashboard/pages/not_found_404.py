"""Any address that is no page."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html, register_page

from dashboard import links, shell

register_page(__name__, title=f"Not found · {shell.NAME}")


def layout(**_: object) -> Any:
    return html.Div(
        [
            dmc.Title("There is no such page", order=1),
            html.P("The address may have been cut on its way here."),
            dcc.Link("Go to Explore", href=links.EXPLORE),
        ],
        className="page",
    )
