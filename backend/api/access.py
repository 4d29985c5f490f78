"""Who may use which address: the declared table, and the check that the gate makes of every request.

Deny by default: an address that no rule names is refused, whatever route stands behind it, so a route that is added without a
rule answers nobody (``tests/pages/test_access.py`` compares the table with every route of API, pages, Dash and files). The API
declares its rules here; who adds routes to the application declares theirs by ``app.state.access.declare``.

Decisions use ``scope["path"]``, as the router does, and never an address built from the Host header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from backend.api.problems import problem
from backend.domain.account import LOCAL, Role, Who

#: Needs nobody: also somebody who is not signed in. None in the place of a role.
ANYONE: Final = None
SIGN_IN: Final = "/login"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One address: a method (``WEBSOCKET`` for those; HEAD goes with GET), a template as the router has it, and who may."""

    method: str
    template: str
    needs: Role | None
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pattern = ""
        for literal, name in re.findall(r"([^{]*)(?:\{([^}]*)\})?", self.template):
            pattern += re.escape(literal) + (".*" if name.endswith(":path") else "[^/]+" if name else "")
        object.__setattr__(self, "pattern", re.compile(pattern, re.DOTALL))


def rules(needs: Role | None, *addresses: str) -> tuple[Rule, ...]:
    """``rules(Role.VIEWER, "GET /api/v1/runs", …)``"""
    pairs = (address.partition(" ") for address in addresses)
    return tuple(Rule(method, template, needs) for method, _, template in pairs)


#: The API. The first rule that fits counts, so what is narrower stands before what is wider.
API: Final[tuple[Rule, ...]] = (
    *rules(ANYONE, "GET /healthz", "GET /readyz", "GET /api/v1/shared/{token}", "POST /api/v1/session"),
    *rules(ANYONE, "GET /api/v1/session", "POST /api/v1/session:begin", "POST /api/v1/session:finish"),
    *rules(ANYONE, "GET /metrics"),  # has a lock of its own: this machine, or a token
    *rules(
        Role.VIEWER,
        "GET /api/v1/openapi.json",
        "GET /api/docs",
        "GET /api/v1/tasks",
        "GET /api/v1/tasks/{name}",
        "GET /api/v1/models",
        "GET /api/v1/models/{name}",
        "GET /api/v1/languages",
        "GET /api/v1/languages/{code}",
        "POST /api/v1/experiments:preview",
        "POST /api/v1/experiments:expect",
        "GET /api/v1/recommendations",
        "GET /api/v1/experiments",
        "GET /api/v1/experiments/{experiment_id}",
        "GET /api/v1/experiments/{experiment_id}/runs",
        "GET /api/v1/experiments/{experiment_id}/events",
        "GET /api/v1/experiments/{experiment_id}/export",
        "GET /api/v1/experiments/{experiment_id}/file",
        "GET /api/v1/experiments/{experiment_id}/submissions",
        "GET /api/v1/experiments/{experiment_id}/submission",
        "GET /api/v1/experiments/{experiment_id}/submission/check",
        "GET /api/v1/runs",
        "GET /api/v1/runs/rows",
        "GET /api/v1/runs/{run_id}",
        "GET /api/v1/runs/{run_id}/detail",
        "GET /api/v1/runs/{run_id}/curves",
        "GET /api/v1/runs/{run_id}/scores",
        "GET /api/v1/runs/{run_id}/logs",
        "GET /api/v1/runs/{run_id}/events",
        "GET /api/v1/queue",
        "GET /api/v1/forecast",
        "GET /api/v1/workers",
        "GET /api/v1/gains",
        "GET /api/v1/gains/expected",
        "GET /api/v1/gains/export",
        "GET /api/v1/gains/certainty",
        "GET /api/v1/gains/buckets",
        "GET /api/v1/gains/languages",
        "GET /api/v1/gains/languages/{code}",
        "GET /api/v1/gains/flipped",
        "GET /api/v1/checklist",
        "GET /api/v1/checklist/failures",
        "GET /api/v1/gains/flipped/examples",
        "GET /api/v1/gains/flipped/export",
        "GET /api/v1/gains/crossed",
        "GET /api/v1/tradeoff",
        "GET /api/v1/tradeoff/portfolio",
        "GET /api/v1/tradeoff/trend",
        "GET /api/v1/compare",
        "GET /api/v1/compare/export",
        "GET /api/v1/overview",
        "GET /api/v1/imports",
        "GET /api/v1/imports/gains",
        "GET /api/v1/imports/choices",
        "GET /api/v1/imports/example",
        "GET /api/v1/imports/{import_id}",
        "GET /api/v1/published",
        "GET /api/v1/published/sources",
        "GET /api/v1/published/gains",
        "GET /api/v1/published/sets",
        "GET /api/v1/published/sets/{name}",
        "GET /api/v1/published/reproduction",
        "GET /api/v1/answer",
        "GET /api/v1/answer/data",
        "POST /api/v1/snapshots:preview",
        "GET /api/v1/snapshots",
        "GET /api/v1/views",
        "POST /api/v1/views",  # one's own; the store asks for more where it is to be everybody's
        "GET /api/v1/views/{view_id}",
        "DELETE /api/v1/views/{view_id}",
        "GET /api/v1/me",
        "POST /api/v1/session:end",  # these are of oneself, and need a session where they change something
        "POST /api/v1/me/password",
        "GET /api/v1/me/sessions",
        "POST /api/v1/me/sessions/{session_id}:end",
        "GET /api/v1/me/tokens",
        "POST /api/v1/me/tokens",
        "POST /api/v1/me/tokens/{token_id}:revoke",
    ),
    *rules(
        Role.SUBMITTER,
        "POST /api/v1/models",
        "POST /api/v1/experiments",
        "POST /api/v1/experiments:bring",
        "POST /api/v1/submissions:check",
        "POST /api/v1/experiments/{experiment_id}:cancel",
        "POST /api/v1/experiments/{experiment_id}:retry",
        "POST /api/v1/runs/{run_id}:cancel",
        "POST /api/v1/runs/{run_id}:retry",
        "POST /api/v1/runs/{run_id}:move",
        "POST /api/v1/imports",
        "POST /api/v1/imports/{import_id}:remove",
        "POST /api/v1/snapshots",
        "POST /api/v1/snapshots/{snapshot_id}:revoke",
    ),
    *rules(
        Role.ADMIN,
        "GET /api/v1/accounts",
        "GET /api/v1/audit",
        "POST /api/v1/workers/{name}:drain",
        "POST /api/v1/workers/{name}:resume",
    ),
    # Nothing is there; it says so, and what is there for another method, to those who may read.
    *(
        Rule(method, template, Role.VIEWER)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
        for template in ("/api", "/api/{rest:path}")
    ),
    Rule("GET", "/", Role.VIEWER),  # HEAD of it is answered here, the page by whoever adds pages
)

#: Who these headers are of; None: nobody. Called in a thread.
Identify = Callable[[Headers], Who | None]


class Access:
    """The table of one application and how it knows people.

    Args:
        identify: None where there are no accounts: everybody is ``LOCAL`` then, and only addresses without a rule are refused.
    """

    def __init__(self, identify: Identify | None, declared: Iterable[Rule] = API) -> None:
        self.identify = identify
        self.rules: list[Rule] = list(declared)

    @property
    def open(self) -> bool:
        """There are no accounts."""
        return self.identify is None

    def declare(self, *declared: Rule) -> None:
        """Add rules, behind those that are there. A place that is taken already stays as it is."""
        self.rules += [rule for rule in declared if rule not in self.rules]

    def rule(self, method: str, path: str) -> Rule | None:
        """The rule that this request falls under; None: nobody may."""
        method = "GET" if method == "HEAD" else method
        return next((r for r in self.rules if r.method == method and r.pattern.fullmatch(path)), None)

    async def who(self, headers: Headers) -> Who | None:
        if self.identify is None:
            return LOCAL
        return await run_in_threadpool(self.identify, headers)

    async def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What to answer instead of going on; None: go on. Leaves who it is in ``scope["state"]["who"]``.

        Raises:
            Unavailable: the database that knows accounts does not answer.
        """
        path = scope["path"]
        rule = self.rule("WEBSOCKET" if scope["type"] == "websocket" else scope["method"], path)
        static = rule is not None and rule.needs is ANYONE and path.startswith(("/assets/", "/_dash-component-suites/"))
        who = None if static else await self.who(headers)
        scope["state"]["who"] = who
        if rule is not None and rule.needs is ANYONE:
            return None
        if who is None:
            return self._nobody(scope, headers)
        if rule is None:
            return self._no_rule(path)
        assert rule.needs is not None
        if not who.role.allows(rule.needs):
            return problem(403, f"This needs the role {rule.needs.value}; {who.name} is {who.role.value} here.")
        if who.how == "session" and not self._meant(scope, headers):
            return problem(403, "A cookie alone changes nothing: the browser must say which site asks (Origin).")
        return None

    @staticmethod
    def _meant(scope: Scope, headers: Headers) -> bool:
        """Whether a request by cookie comes from a page of ours. Which origins are foreign the gate has said already; here it
        must be named at all. Browsers do so with every request that is not a plain GET."""
        if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
            return True
        return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"

    def _nobody(self, scope: Scope, headers: Headers) -> Response:
        """Not signed in. A browser that asked for a page is led to where one signs in, and back afterwards."""
        path = scope["path"]
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and not path.startswith(("/api/", "/_"))
            and "text/html" in headers.get("accept", "")
        ):
            query = scope.get("query_string", b"").decode("latin-1")
            back = path + (f"?{query}" if query else "")
            return RedirectResponse(f"{SIGN_IN}?next={quote(back, safe='')}", 303, {"Cache-Control": "no-store"})
        return problem(
            401,
            "Sign in first: a session of the pages, or an API token (Authorization: Bearer …).",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _no_rule(self, path: str) -> Response:
        methods = sorted({r.method for r in self.rules if r.method != "WEBSOCKET" and r.pattern.fullmatch(path)})
        if methods:
            allowed = ", ".join(methods + (["HEAD"] if "GET" in methods else []))
            return problem(405, f"This address answers {allowed} only.", headers={"Allow": allowed})
        return problem(404, "There is nothing at this address.")
