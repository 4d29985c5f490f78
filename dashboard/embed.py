"""The figure of a share link alone, for a frame in a page of somebody else's.

It reads nothing, keeps nothing and asks nothing: the numbers are in it, the program that draws comes from here, and its own policy
forbids everything else. Who may frame it, an operator says (``CROSSLIFT_EMBED_ORIGINS``); nobody may until then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from backend.domain.schemas import Shared
from dashboard import frozen, offline, program

_SCRIPT: Final = (Path(__file__).parent / "embed.js").read_text("utf-8")
_STYLE: Final = """:root { --paper: #fff; --ink: #1b1f24; --soft: #57606a; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e8eaed; --soft: #a5adb6; } }
body { margin: 0; padding: 8px; background: var(--paper); color: var(--ink); font: 13px/1.5 system-ui, sans-serif; }
#scroll { overflow-x: auto; } p { margin: 4px 0; color: var(--soft); overflow-wrap: anywhere; } a { color: inherit; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }"""
_ORIGIN: Final = re.compile(r"(?:https?://)?(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?|\*", re.IGNORECASE)


def origins(text: str | None) -> tuple[str, ...]:
    """Of pages that may frame, as an operator wrote them, with commas between; what could be none is left out."""
    return tuple(part for part in (each.strip() for each in (text or "").split(",")) if _ORIGIN.fullmatch(part))


def policy(allowed: Sequence[str]) -> str:
    """The content security policy of such a page."""
    return "; ".join([
        "default-src 'none'",
        f"script-src 'self' {offline.script_hash(_SCRIPT)}",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {' '.join(allowed) or chr(39) + 'none' + chr(39)}",
    ])  # fmt: skip


def page(shared: Shared, search: str, link: str) -> str:
    """The page. ``link``: of the whole result."""
    content = shared.content
    chosen = frozen.sliced(content, search)
    synthetic = " · synthetic benchmark" if content.synthetic else ""
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{escape(shared.title)} · Crosslift</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1 class="unseen">{escape(shared.title)}</h1>
<div id="scroll" role="group" aria-label="Figure" tabindex="0"><div id="figure"></div></div>
<p class="unseen">{escape(frozen.summary(content, chosen))}</p>
<p><a href="{escape(link)}" target="_blank" rel="noopener noreferrer">{escape(shared.title)}</a>{synthetic} · frozen \
{escape(offline.moment(shared.frozen_at))} · sha256 {escape(shared.sha256[:12])}</p>
</main>
<script type="application/json" id="figures">{offline.embedded(frozen.draw(content, chosen))}</script>
<script src="{program.address()}"></script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def snippet(address: str, title: str, height: int) -> str:
    """What to paste into a page that may frame it."""
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}" width="100%" height="{height}" loading="lazy" '
        'referrerpolicy="no-referrer" style="border:0"></iframe>'
    )
