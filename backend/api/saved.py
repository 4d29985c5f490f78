"""Saved views: a name for an address of a page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from backend.api.bodies import StrictRoute
from backend.api.deps import LARGEST_ID, AtDoor, AtWho
from backend.api.problems import RESPONSES
from backend.domain.saved import SavedView, SavedViewRequest
from backend.store import audit, saved

router = APIRouter(tags=["views"], responses=RESPONSES, route_class=StrictRoute)

ViewId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of a saved view", examples=[1])]


@router.get("/views", operation_id="list_views", response_model=list[SavedView])
def list_views(
    door: AtDoor,
    who: AtWho,
    page: Annotated[
        str | None, Query(max_length=100, pattern=r"^/[\x21-\x7e]*$", description="only those of this page: `/runs`")
    ] = None,
) -> list[SavedView]:
    """Everybody's saved views and one's own, in the order in which they were saved."""
    with door.store.read() as session:
        return saved.listing(session, who, page=page)


@router.post(
    "/views",
    operation_id="save_view",
    status_code=201,
    response_model=SavedView,
    responses={201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "address of the entry"}}}},
)
def save_view(body: SavedViewRequest, door: AtDoor, who: AtWho, response: Response) -> SavedView:
    """Save the address of a page under a name: for oneself, or for everybody, which takes the role submitter. Where there are
    no accounts it is everybody's."""
    with door.store.write() as session:
        made = saved.keep(session, body, who)
        if made.shared:
            audit.write(session, who.name, "saved", f"view {made.id}, {made.name}")
    response.headers["Location"] = f"/api/v1/views/{made.id}"
    return made


@router.get("/views/{view_id}", operation_id="get_view", response_model=SavedView)
def get_view(view_id: ViewId, door: AtDoor, who: AtWho) -> SavedView:
    """One saved view; somebody else's own is not found."""
    with door.store.read() as session:
        return saved.find(session, who, view_id)


@router.delete("/views/{view_id}", operation_id="remove_view", response_model=SavedView)
def remove_view(view_id: ViewId, door: AtDoor, who: AtWho) -> SavedView:
    """Take a saved view out: one's own, or as an admin anybody's that is for everybody. What it was is the answer."""
    with door.store.write() as session:
        gone = saved.remove(session, who, view_id)
        if gone.shared:
            audit.write(session, who.name, "removed", f"view {gone.id}, {gone.name}")
    return gone
