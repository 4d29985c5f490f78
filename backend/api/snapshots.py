"""Sharing: freeze what a page shows, hand out a link to it, take the link back.

A token is in the answer to the request that made it, and in the address of the link: nowhere else. Not in the store, not
in any log (``backend.logs.redacted``), not in a Referer (the gate sees to that).
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter
from starlette.background import BackgroundTask

from backend.api import answers
from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor, AtWho, Cursor, Door, FromAddress, Limit, SnapshotId
from backend.api.problems import RESPONSES
from backend.domain.address import read_address
from backend.domain.schemas import Page, Shared, SnapshotMade, SnapshotPreview, SnapshotRequest, SnapshotView
from backend.errors import CrossliftError, NotFound
from backend.store import audit, snapshots

log = logging.getLogger("crosslift.api")

router = APIRouter(tags=["snapshots"], responses=RESPONSES, route_class=StrictRoute)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_PREVIEW = TypeAdapter(SnapshotPreview)
_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(datetime | None)


def reach(door: Door) -> str:
    """Who can open a link made here."""
    host = urlsplit(door.public_url or "").hostname
    if host is None or host in LOOPBACK:
        return (
            "The link works on this machine only: no public address is set (CROSSLIFT_PUBLIC_URL). "
            "To show it to somebody elsewhere, send the single HTML file instead."
        )
    return f"Whoever has the link and can reach {host} can open it, without signing in, until it is revoked or expires."


@router.post("/snapshots:preview", operation_id="preview_snapshot", response_model=SnapshotPreview)
def preview_snapshot(body: SnapshotRequest, door: AtDoor) -> Response:
    """Exactly what a link to this view would show to whoever has it. Nothing is written."""
    address = read_address(body.view)
    with door.store.read() as session:
        frozen = snapshots.freeze(session, address, anonymous=body.anonymous)
    preview = SnapshotPreview(content=frozen.content, sha256=frozen.sha256, bytes=len(frozen.text), reach=reach(door))
    return Response(_PREVIEW.dump_json(preview), media_type="application/json")


@router.post(
    "/snapshots",
    operation_id="make_snapshot",
    status_code=201,
    response_model=SnapshotMade,
    responses={
        201: {
            "headers": {"Location": {"schema": {"type": "string"}, "description": "address of the list"}},
            "links": {
                "revoke_snapshot": {
                    "operationId": "revoke_snapshot",
                    "parameters": {"snapshot_id": "$response.body#/snapshot/id"},
                },
                "get_shared": {"operationId": "get_shared", "parameters": {"token": "$response.body#/token"}},
            },
        }
    },
)
def make_snapshot(body: SnapshotRequest, door: AtDoor, who: AtWho, response: Response) -> SnapshotMade:
    """Freeze what a page shows and make a link to it. The token in the answer is shown this once. Equal numbers are kept
    once, however many links lead to them."""
    address = read_address(body.view)
    with door.store.read() as session:  # before the transaction: other writers wait for that one
        frozen = snapshots.freeze(session, address, anonymous=body.anonymous)
    with door.store.write() as session:
        made, token = snapshots.make(session, frozen, body)
        audit.write(session, who.name, "shared", f"snapshot {made.id}, {body.title}")
    response.headers["Location"] = "/api/v1/snapshots"
    base = (door.public_url or door.local_url).rstrip("/")
    return SnapshotMade(snapshot=made, token=token, url=f"{base}/s/{token}", reach=reach(door))


@router.get("/snapshots", operation_id="list_snapshots", response_model=Page[SnapshotView])
def list_snapshots(
    request: Request, response: Response, door: AtDoor, limit: Limit = 50, cursor: Cursor = None
) -> Page[SnapshotView]:
    """Every link that was made, newest first, the revoked and expired ones too. Tokens are not in it."""
    with door.store.read() as session:
        page = snapshots.page(session, limit=limit, cursor=cursor)
    answers.link_next(request, response, page)
    return page


@router.post("/snapshots/{snapshot_id}:revoke", operation_id="revoke_snapshot", response_model=SnapshotView)
def revoke_snapshot(snapshot_id: SnapshotId, door: AtDoor, who: AtWho) -> SnapshotView:
    """Take a link back, at once and for good. Asking twice changes nothing."""
    with door.store.write() as session:
        audit.write(session, who.name, "took back", f"snapshot {snapshot_id}")
        return snapshots.revoke(session, snapshot_id)


@router.get("/shared/{token}", operation_id="get_shared", response_model=Shared)
def get_shared(
    token: Annotated[str, Path(description="what the link ends in")],
    door: AtDoor,
    address: FromAddress,
    peek: Annotated[bool, Query(description="do not count this as an opening")] = False,
) -> Response:
    """What a link shows: what was frozen, byte by byte, whatever has become of the runs since. A link that is unknown, has
    expired or was revoked answers 404, whichever it is; who asks for many of those is not heard for a minute."""
    door.misses.check(address)
    try:
        with door.store.read() as session:
            found = snapshots.find(session, token)
    except NotFound:
        door.misses.count(address)
        raise
    said = {
        "title": json.dumps(found.title),
        "note": json.dumps(found.note),
        "frozen_at": _MOMENT.dump_json(found.frozen_at).decode(),
        "expires_at": _MOMENT.dump_json(found.expires_at).decode(),
        "sha256": json.dumps(found.sha256),
        "content": found.text,  # as it was written down: whoever reads it can check the digest
    }
    body = "{" + ",".join(f'"{name}":{value}' for name, value in said.items()) + "}"
    counted = None if peek else BackgroundTask(_count, door, found.id)
    return Response(body, media_type="application/json", background=counted)


def _count(door: Door, id: int) -> None:
    """Once the answer has left. One that cannot be counted was answered all the same."""
    try:
        with door.store.write() as session:
            snapshots.count_opening(session, id)
    except CrossliftError as error:
        log.warning("an opening of snapshot %d was not counted: %s", id, error.detail)
