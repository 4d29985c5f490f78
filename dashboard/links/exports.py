"""Addresses of files: a page's own with another path, so that a link to a file is as stable as one to its page."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlencode

from dashboard.links.reading import parsed

#: Endings of files of a view, beside HTML.
FILES = ("csv", "parquet", "json", "tex", "bib", "yaml", "py", "pdf", "svg", "png")
#: Of how a figure is drawn on paper; what is not said is at its default.
LOOKS = ("width", "ink")
Width = Literal["column", "page"]
Ink = Literal["colour", "grey"]


def exported(address: str, suffix: str, *, width: Width = "page", ink: Ink = "colour", frozen: bool = False) -> str:
    """Of a file of what an address shows.

    Args:
        address: of Explore or Trade-off, or of a share link with what is shown otherwise.
        frozen: it is a share link.
    """
    path, _, query = address.partition("?")
    said = {
        k: v
        for k, v in parsed(query).items()
        if isinstance(v, str) and k not in (*LOOKS, "cell", "point", "view", "embed")
    }
    said |= {k: v for k, v in (("width", width), ("ink", ink)) if v not in ("page", "colour")}
    text = urlencode(sorted(said.items()), quote_via=quote, safe=":,@/")
    made = f"{path}.{suffix}" if frozen else f"{path}/export.{suffix}"
    return f"{made}?{text}" if text else made


def embedded(address: str) -> str:
    """Of the figure of a share link alone, to be framed by another page."""
    path, _, query = address.partition("?")
    said = {k: v for k, v in parsed(query).items() if isinstance(v, str)} | {"embed": "1"}
    return f"{path}?{urlencode(sorted(said.items()), quote_via=quote, safe=':,@/')}"
