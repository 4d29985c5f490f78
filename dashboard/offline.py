"""One HTML file that shows a frozen result from disk, with no network at all.

Everything is inside: the figure for either scheme and the program that draws it, every number as a table, where each
comes from, and the content itself, byte by byte, so that its SHA-256 can be checked again. A policy in the file forbids
every request. Title and note are somebody's text: each passes ``escape``, and what stands in a script is JSON in which
``<`` is written as an escape, or base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path

from plotly.utils import PlotlyJSONEncoder

from backend.domain.schemas import FrozenRun, Shared
from dashboard import frozen, glossary, look, program, share
from dashboard.frozen import Table

_STYLE = (Path(__file__).parent / "offline.css").read_text("utf-8")
_SCRIPT = (Path(__file__).parent / "offline.js").read_text("utf-8")
EXPLAINED = (
    "gain",
    "interval",
    "paired-t",
    "bh",
    "verdict",
    "means",
    "same-data-twice",
    "translate-train",
    "marginal",
    "missing",
    "snapshot",
)


@lru_cache(maxsize=8)
def script_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def page(shared: Shared, text: str, *, link: bool) -> str:
    """The file.

    Args:
        shared: what is shown.
        text: its content as canonical JSON, of which ``shared.sha256`` is the SHA-256.
        link: whether it stands behind a link; else it was frozen for this file alone.
    """
    content = shared.content
    chosen = frozen.state(content)
    drawing = program.text()
    badge = '<span class="badge">synthetic benchmark</span>' if content.synthetic else ""
    tables = table("Every number", frozen.table(content, chosen))
    if (means := frozen.means(content, chosen)) is not None:
        tables = table("Mean gains", means) + tables
    return f"""{head(shared.title, _STYLE, drawing, _SCRIPT)}
<body>
<main>
<p class="banner">{escape(banner(shared))} <code id="sha256">{escape(shared.sha256)}</code> <span id="checked"></span></p>
<h1>{escape(shared.title)} {badge}</h1>
{_note(shared.note)}
<p class="summary">{escape(frozen.summary(content, chosen))}</p>
<div class="figure" role="group" aria-label="Figure"><div id="figure"></div></div>
<noscript><p>Without JavaScript there is no figure; every number of it is in the table below.</p></noscript>
{tables}
<h2>What is in it</h2>
<dl>{_facts(share.contents(content))}</dl>
<h2>Where the numbers come from</h2>
{_runs(content.runs)}
<h2>How to read it</h2>
<dl class="words">{_words()}</dl>
<h2>How to check it</h2>
<p>The address of this result is the SHA-256 of its content, canonical JSON: keys sorted, no white space, ASCII only. The
content is in this file{" and behind its link" if link else ""}; saved with the button, <code>sha256sum</code> gives the
digest above.</p>
<p><button id="save" type="button" hidden>Save the content as JSON</button></p>
<p class="soft">Title, note and date are not part of the content: equal numbers have equal addresses. Live view when it was
frozen: <code>{escape(content.view)}</code></p>
</main>
<script type="application/json" id="figures">{embedded(frozen.draw(content, chosen))}</script>
<script type="application/octet-stream" id="content">{base64.b64encode(text.encode()).decode()}</script>
<script>{drawing}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def head(title: str, style: str, *programs: str) -> str:
    """How such a file begins. Its policy lets these programs run and nothing else, and reaches no network."""
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(script_hash, programs))}",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{escape(title)} · Crosslift</title>
<style>{style}</style>
</head>"""


def banner(shared: Shared) -> str:
    """``Frozen 22 November 2026, 14:03 UTC · from 36 runs · sha256``."""
    return f"Frozen {moment(shared.frozen_at)} · from {look.count(len(shared.content.runs), 'run')} · sha256"


def moment(at: datetime) -> str:
    """``22 November 2026, 14:03 UTC``."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def file_name(shared: Shared, suffix: str) -> str:
    """Nothing of the title: whoever receives the file may not be the one who wrote it."""
    return f"crosslift-{shared.content.kind}-{shared.sha256[:12]}{suffix}"


def _note(note: str) -> str:
    return "".join(f"<p class='note'>{escape(part)}</p>" for part in note.splitlines() if part.strip())


def embedded(value: object) -> str:
    """JSON that cannot end the script it stands in."""
    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)


def _words() -> str:
    return _facts((glossary.WORDS[word].title, glossary.WORDS[word].plain) for word in EXPLAINED)


def table(title: str, table: Table) -> str:
    def line(row: Iterable[str]) -> str:
        cells = []
        for i, text in enumerate(row):
            tag = "th scope='row'" if i == 0 else "td class='number'" if i in table.numbers else "td"
            cells.append(f"<{tag}>{escape(text)}</{tag.split()[0]}>")
        return f"<tr>{''.join(cells)}</tr>"

    head = "".join(
        f"<th scope='col'{' class=number' if i in table.numbers else ''}>{escape(name)}</th>"
        for i, name in enumerate(table.head)
    )
    body = "\n".join(line(row) for row in table.rows)
    return (
        f"<h2>{escape(title)}</h2>\n<div class='scroll' tabindex='0' role='region' aria-label='{escape(title)}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n"
    )


def _runs(runs: Iterable[FrozenRun]) -> str:
    head = ("Run", "What it did", "Device", "Precision", "Engine", "Seconds", "Ended", "Fingerprint", "Began from")
    rows = tuple(
        (
            f"#{r.id}",
            r.title,
            f"{r.device or 'not known'} ({r.device_class.value})",
            r.precision,
            str(r.engine),
            look.DASH if r.device_seconds is None else f"{r.device_seconds:.3g}",
            look.DASH if r.finished_at is None else f"{r.finished_at:%Y-%m-%d %H:%M}",
            r.fingerprint,
            " ".join(p[:12] for p in r.parents),
        )
        for r in runs
    )
    return table("Runs", Table(head, rows, numbers=frozenset({5}))).replace("<h2>Runs</h2>\n", "")
