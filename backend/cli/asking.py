"""The installation that a command speaks to, and its lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from backend.cli.endings import Usage

if TYPE_CHECKING:
    from backend.domain.schemas import RunView
    from backend.remote import Remote
    from backend.settings import Settings

FOLLOW_SECONDS = 1.0  # between two looks at what is waited for


def settings() -> Settings:
    """This process's settings.

    Raises:
        Usage: one of the variables has a value that is not acceptable.
    """
    from pydantic import ValidationError

    from backend.settings import settings as read_settings

    try:
        return read_settings()
    except ValidationError as error:
        faults = "; ".join(
            f"CROSSLIFT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise Usage(f"A setting cannot be used. {faults}") from None
    except ValueError as error:
        raise Usage(str(error)) from None


def remote(url: str | None, *, timeout: float = 30) -> Remote:
    from backend.remote import Remote, address

    return Remote(address(settings(), url), timeout=timeout, token=settings().token_shown)


def entries(there: Remote, path: str, **query: Any) -> Iterable[dict[str, Any]]:
    """Everything of a list, page by page."""
    cursor: str | None = None
    while True:
        page = there.get(path, limit=200, cursor=cursor, **query)
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def pages(there: Remote, path: str, **query: Any) -> Iterable[RunView]:
    """Every run of a list."""
    from backend.domain.schemas import RunView

    yield from (RunView.model_validate(each) for each in entries(there, path, **query))
