"""Signing in and out, one's own password, sessions and API tokens; for admins who there is and who did what.

Accounts are made, disabled and given roles on the installation's own machine: ``crosslift user``.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.api import answers
from backend.api.bodies import StrictRoute
from backend.api.deps import LARGEST_ID, AtDoor, AtWho, Cursor, Door, FromAddress, Limit
from backend.api.identity import Identity
from backend.api.oidc import Provider
from backend.api.problems import RESPONSES
from backend.domain.account import (
    NAME,
    AccountView,
    AuditEntry,
    DetourBegun,
    DetourEnd,
    DetourRequest,
    Me,
    PasswordChange,
    Quota,
    SessionView,
    SignedIn,
    SignIn,
    SignInWays,
    TokenMade,
    TokenRequest,
    TokenView,
    Who,
)
from backend.domain.schemas import Page
from backend.errors import Conflict, FieldError, Invalid, NotAllowed, NotSignedIn
from backend.store import accounts, audit, credentials, passwords

router = APIRouter(tags=["accounts"], responses=RESPONSES, route_class=StrictRoute)

SessionId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of a session", examples=[1])]
TokenId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of a token", examples=[1])]


def _identity(door: Door) -> Identity:
    if door.identity is None:
        raise Conflict(
            "There are no accounts here: this installation answers its own machine alone (CROSSLIFT_ACCOUNTS)."
        )
    return door.identity


def _own(who: Who) -> tuple[int, int]:
    """Ids of the account and the session. What a token could be used to keep is not done by one.

    Raises:
        Conflict: there are no accounts.
        NotAllowed: it is no session of the pages.
    """
    if who.account is None:
        raise Conflict(
            "There are no accounts here: this installation answers its own machine alone (CROSSLIFT_ACCOUNTS)."
        )
    if who.how != "session" or who.credential is None:
        raise NotAllowed("Passwords, sessions and tokens are changed by somebody who has signed in, not by a token.")
    return who.account, who.credential


@router.post("/session", operation_id="sign_in", response_model=Me)
def sign_in(body: SignIn, request: Request, response: Response, door: AtDoor, address: FromAddress) -> Me:
    """Sign in, by a cookie. The session that this browser had ends. After some sign-ins that did not succeed no more are heard
    for a while."""
    identity = _identity(door)
    with door.store.write() as session:
        attempt = accounts.begin_attempt(session, body.name, address)
    with door.store.read() as session:
        found = accounts.find(session, body.name)
    right = passwords.fits(body.password, found.password if found else None)
    with door.store.write() as session:
        if found is None or not right:
            audit.write(session, found.name if found else "(nobody)", "was not let in", f"from {address}")
            secret = None
        else:
            accounts.succeeded(session, attempt)
            if not passwords.is_current(found.password):
                accounts.keep_anew(session, found.id, body.password)
            secret = credentials.open_session(
                session, found.id, hours=identity.hours, address=address, instead_of=identity.secret(request.headers)
            )
            audit.write(session, found.name, "signed in", f"from {address}")
    if found is None or secret is None:
        raise NotSignedIn("Name or password is wrong, or the account is disabled.")
    identity.give(response, secret)
    return _me(door, Who(found.name, found.role, found.id, "session"))


@router.get("/session", operation_id="get_ways", response_model=SignInWays)
def get_ways(door: AtDoor) -> SignInWays:
    """How one may sign in here."""
    return SignInWays(
        accounts=door.identity is not None, provider=None if door.provider is None else door.provider.name
    )


def _provider(door: Door) -> Provider:
    if door.provider is None:
        raise Conflict("Nobody signs in by a provider here (CROSSLIFT_OIDC_ISSUER).")
    return door.provider


@router.post("/session:begin", operation_id="begin_sign_in", response_model=DetourBegun)
def begin_sign_in(body: DetourRequest, response: Response, door: AtDoor) -> DetourBegun:
    """Begin to sign in by the OpenID Connect provider: where to send the browser. A cookie keeps what must be the same when it comes
    back, within ten minutes."""
    provider = _provider(door)
    url, detour = provider.begin(body.onward)
    provider.give(response, detour)
    return DetourBegun(url=url)


@router.post("/session:finish", operation_id="finish_sign_in", response_model=SignedIn)
def finish_sign_in(
    body: DetourEnd, request: Request, response: Response, door: AtDoor, address: FromAddress
) -> SignedIn:
    """Sign in with what the provider sent the browser back with, in the browser that began; it counts once. Who may is said by the
    installation: nobody else gets an account."""
    identity, provider = _identity(door), _provider(door)
    detour = provider.detour(request.headers, body.state)
    if body.iss is not None and body.iss != provider.issuer:
        raise NotSignedIn("Another provider answered than the one that was asked. Begin again.")
    with door.store.write() as session:
        accounts.once(session, detour.state)
    claims = provider.redeem(body.code, detour)
    try:
        name, role = provider.entry.name(claims), provider.entry.role(claims)
    except ValueError as error:
        with door.store.write() as session:
            audit.write(session, "(nobody)", "was not let in", f"by {provider.name} from {address}: {error}")
        raise NotAllowed(f"{provider.name} knows you, and you are not let in here: {error}.") from error
    with door.store.write() as session:
        found = accounts.enter(session, name, role)
        if found is None:
            audit.write(session, name, "was not let in", f"by {provider.name} from {address}: no account, or disabled")
            secret = None
        else:
            secret = credentials.open_session(
                session, found.id, hours=identity.hours, address=address, instead_of=identity.secret(request.headers)
            )
            audit.write(session, found.name, "signed in", f"by {provider.name} from {address}")
    if found is None or secret is None:
        raise NotAllowed(f"{provider.name} knows you, and you have no account here, or it is disabled.")
    identity.give(response, secret)
    provider.take(response)
    return SignedIn(me=_me(door, Who(found.name, found.role, found.id, "session")), onward=detour.onward)


@router.post("/session:end", operation_id="sign_out", status_code=204)
def sign_out(response: Response, door: AtDoor, who: AtWho) -> None:
    """End this session."""
    account_id, id = _own(who)
    with door.store.write() as session:
        credentials.end_session(session, account_id, id)
        audit.write(session, who.name, "signed out", "")
    _identity(door).take(response)


def _me(door: Door, who: Who) -> Me:
    quota, found = Quota(experiments=0, experiments_most=None, runs=0, runs_most=None), None
    if who.account is not None:
        with door.store.read() as session:
            quota = accounts.quota(session, who.account, **door.limits(who))
            found = accounts.find(session, who.name)
    has_password = found is not None and found.password != passwords.NONE
    return Me(name=who.name, role=who.role, how=who.how, quota=quota, has_password=has_password)


@router.get("/me", operation_id="get_me", response_model=Me)
def get_me(door: AtDoor, who: AtWho) -> Me:
    """Whom this request is from, and how much of what they may have they have."""
    return _me(door, who)


@router.post("/me/password", operation_id="change_password", status_code=204)
def change_password(body: PasswordChange, door: AtDoor, who: AtWho, address: FromAddress) -> None:
    """Another password. All other sessions of this account end; tokens go on working."""
    _, this = _own(who)
    with door.store.write() as session:
        attempt = accounts.begin_attempt(session, who.name, address)
    with door.store.read() as session:
        found = accounts.find(session, who.name)
    if found is None or not passwords.fits(body.old, found.password):
        raise Invalid("The password is not changed.", errors=[FieldError("/old", "this is not your password")])
    try:
        with door.store.write() as session:
            accounts.succeeded(session, attempt)
            accounts.set_password(session, who.name, body.new, but=this)
            audit.write(session, who.name, "changed the password of", who.name)
    except Invalid as error:
        raise Invalid(
            "The password is not changed.", errors=[FieldError("/new", e.message) for e in error.errors]
        ) from None


@router.get("/me/sessions", operation_id="list_sessions", response_model=list[SessionView])
def list_sessions(door: AtDoor, who: AtWho) -> list[SessionView]:
    """Where this account is signed in."""
    account_id, this = _own(who)
    with door.store.read() as session:
        return credentials.sessions(session, account_id, this)


@router.post("/me/sessions/{session_id}:end", operation_id="end_session", status_code=204)
def end_session(session_id: SessionId, door: AtDoor, who: AtWho) -> None:
    """Sign out somewhere else, at once."""
    account_id, _ = _own(who)
    with door.store.write() as session:
        credentials.end_session(session, account_id, session_id)
        audit.write(session, who.name, "ended", f"session {session_id}")


@router.get("/me/tokens", operation_id="list_tokens", response_model=list[TokenView])
def list_tokens(door: AtDoor, who: AtWho) -> list[TokenView]:
    """The API tokens of this account, newest first, also those that no longer work."""
    account_id, _ = _own(who)
    with door.store.read() as session:
        return list(credentials.tokens(session, account_id))


@router.post("/me/tokens", operation_id="make_token", status_code=201, response_model=TokenMade)
def make_token(body: TokenRequest, door: AtDoor, who: AtWho) -> TokenMade:
    """A new API token. The secret in the answer is shown this once."""
    account_id, _ = _own(who)
    with door.store.write() as session:
        made, secret = credentials.make_token(session, account_id, who.role, body)
        audit.write(session, who.name, "made", f"token {made.id}, {made.role.value}")
    return TokenMade(token=made, secret=secret)


@router.post("/me/tokens/{token_id}:revoke", operation_id="revoke_token", response_model=TokenView)
def revoke_token(token_id: TokenId, door: AtDoor, who: AtWho) -> TokenView:
    """Take a token back, at once and for good. Asking twice changes nothing."""
    account_id, _ = _own(who)
    with door.store.write() as session:
        gone = credentials.revoke_token(session, token_id, account_id)
        audit.write(session, who.name, "revoked", f"token {token_id}")
        return gone


# --- for admins -------------------------------------------------------------------------------------------------------------------


@router.get("/accounts", operation_id="list_accounts", response_model=list[AccountView])
def list_accounts(door: AtDoor) -> list[AccountView]:
    """Everybody who has an account, the disabled ones too."""
    with door.store.read() as session:
        return accounts.listing(session)


@router.get("/audit", operation_id="list_audit", response_model=Page[AuditEntry])
def list_audit(
    request: Request,
    response: Response,
    door: AtDoor,
    limit: Limit = 50,
    cursor: Cursor = None,
    who: Annotated[str | None, Query(max_length=64, pattern=NAME, description="only what this account did")] = None,
) -> Page[AuditEntry]:
    """Who did what, newest first: sign-ins, submissions, cancels, retries, pretraining, shares, changes of accounts and tokens."""
    with door.store.read() as session:
        page = audit.page(session, limit=limit, cursor=cursor, who=who)
    answers.link_next(request, response, page)
    return page
