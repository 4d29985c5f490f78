"""Saved views: a name for an address of a page, somebody's own or everybody's.

What is kept is the address alone, so a saved view is live: it shows what the page shows now. (What must not change is a
snapshot.) The address is one within this installation; it is written as it was given, once it is known to be harmless.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field

from backend.domain.schemas import View, _one_line
from backend.errors import FieldError, Invalid, shown

LONGEST = 2000
#: Of pages that hold no view to come back to, or lead out of them.
NOT_PAGES = frozenset(
    {"account", "api", "assets", "download", "healthz", "login", "logout", "metrics", "readyz", "s", "v"}
)
_PATH = re.compile(r"/(?:[a-z][a-z0-9-]{0,39}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,79}){0,3})?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)


class SavedViewRequest(View):
    """A view to save."""

    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_one_line)]
    address: str = Field(min_length=1, max_length=LONGEST, description="of a page here, such as `/runs?kind=evaluate`")
    shared: bool = Field(default=False, strict=True, description="everybody sees it; else only who saved it")


class SavedView(View):
    id: int
    name: str
    address: str
    short: str = Field(description="a short address that leads to the view")
    shared: bool
    owner: str | None = Field(description="who saved it; null where there were no accounts")
    own: bool = Field(description="whoever asks may remove it")
    created_at: datetime


def check_address(text: str) -> str:
    """The address as it is.

    Raises:
        Invalid: it is of no page of ours, or holds what no page writes; points at ``/address``.
    """
    wrong = wrong_address(text)
    if wrong is not None:
        raise Invalid("This view cannot be saved.", errors=[FieldError("/address", wrong)])
    return text


def wrong_address(text: str) -> str | None:
    """What to say about an address that cannot be saved; None where it can."""
    page, _, query = text.partition("?")
    if not _PATH.fullmatch(page) or page.split("/")[1] in NOT_PAGES:
        return f"{shown(page)} is no page here that holds a view"
    if not re.fullmatch(r"[\x21-\x7e]*", query) or "#" in query:
        return "an address is written in plain letters without spaces; others are written as %20 and the like"
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=40)
    except ValueError:
        return "what follows the question mark cannot be read"
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            return f"{shown(name)} cannot be the name of a parameter"
        if not value.isprintable():
            return f"{name} holds characters that cannot be shown"
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    return f"{twice} is given twice" if twice else None
