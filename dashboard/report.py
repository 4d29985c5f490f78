"""The answer as one HTML file that opens from disk, with no network at all: figures, tables, methods, and the data themselves.

As ``offline`` does it for frozen results: a policy in the file forbids every request, and the SHA-256 of the data can be checked
again by the file itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path

from backend.domain.answer import Answer
from dashboard import answer_figures, answer_tables, glossary, offline, program
from dashboard.look import THEMES

_STYLE = (Path(__file__).parent / "offline.css").read_text("utf-8")
_SCRIPT = (Path(__file__).parent / "report.js").read_text("utf-8")
EXPLAINED = (
    "gain",
    "size-effect",
    "interval",
    "interest",
    "same-data-twice",
    "control",
    "per-hour",
    "marginal",
    "missing",
)
FIGURES = {"forest": answer_figures.forest, "size": answer_figures.size, "efficiency": answer_figures.efficiency}


def page(answer: Answer, data: bytes, *, version: str, at: datetime) -> str:
    """The file.

    Args:
        data: the gains as CSV, of which ``answer.data_sha256`` is the SHA-256.
        version: of the program that made it.
        at: when it was made.
    """
    drawing = program.text()
    badge = '<span class="badge">synthetic benchmark</span>' if answer.synthetic else ""
    drawn = {
        name: {scheme: draw(answer, theme).to_plotly_json() for scheme, theme in THEMES.items()}
        for name, draw in FIGURES.items()
    }
    following = (
        offline.table("What to run next", answer_tables.next_steps(answer))
        if answer.next_steps
        else f"<h2>What to run next</h2><p>{escape(answer_tables.NOTHING_NEXT)}</p>"
    )
    flagged = offline.table("Failed and not learnt", answer_tables.failed(answer)) if answer.failed else ""
    return f"""{offline.head(answer_tables.TITLE, _STYLE, drawing, _SCRIPT)}
<body>
<main>
<p class="banner">{escape(made(answer, version=version, at=at))} · data <code id="sha256">{escape(answer.data_sha256)}</code> <span id="checked"></span></p>
<h1>{escape(answer_tables.TITLE)} {badge}</h1>
<p class="summary" id="sentence"><strong>{escape(answer.sentence)}</strong></p>
<ul>{_items(answer.also)}</ul>
<h2>Effects</h2>
<div class="figure" role="group" aria-label="Effects"><div id="forest"></div></div>
<h2>Gain against size</h2>
<div class="figure" role="group" aria-label="Gain against size"><div id="size"></div></div>
<h2>What a device-hour buys</h2>
<div class="figure" role="group" aria-label="What a device-hour buys"><div id="efficiency"></div></div>
<noscript><p>Without JavaScript there are no figures; every number of them is in the tables below.</p></noscript>
{following}
{offline.table("Effects as a table", answer_tables.effects(answer))}
{offline.table("Models", answer_tables.models(answer))}
{offline.table("Device time", answer_tables.efficiency(answer))}
{offline.table("Sensitivity", answer_tables.sensitivity(answer))}
{flagged}
{offline.table("Left out", answer_tables.left_out(answer))}
<h2>Methods</h2>
{"".join(f"<p>{escape(text)}</p>" for text in answer.methods)}
<h2>Words</h2>
<dl class="words">{"".join(f"<div><dt>{escape(glossary.WORDS[w].title)}</dt><dd>{escape(glossary.WORDS[w].plain)}</dd></div>" for w in EXPLAINED)}</dl>
<h2>Data</h2>
<p>Every number rests on {answer.gains:,} gains of single seeds. They are in this file, as CSV; saved with the button,
<code>sha256sum</code> gives the digest above.</p>
<p><button id="save" type="button" hidden>Save the data as CSV</button></p>
</main>
<script type="application/json" id="figures">{offline.embedded(drawn)}</script>
<script type="application/octet-stream" id="content">{base64.b64encode(data).decode()}</script>
<script>{drawing}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def made(answer: Answer, *, version: str, at: datetime) -> str:
    """``Made 29 November 2026, 15:40 UTC by Crosslift 0.3.0 · mini-XTREME-R · targets of every format``."""
    format = f"targets of format {answer.format.replace('_', ' ')}" if answer.format else "targets of every format"
    return f"Made {offline.moment(at)} by Crosslift {version} · {answer.benchmark} · {format}"


def file_name(answer: Answer, suffix: str) -> str:
    return f"crosslift-answer-{answer.source}-{answer.data_sha256[:12]}.{suffix}"


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)
