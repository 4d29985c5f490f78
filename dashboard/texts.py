"""The text that a run reads, where it is a user's own: languages, lines, how often each is drawn, and every file with its digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from pydantic import ValidationError

from backend.domain.text import sampling
from backend.domain.text.spec import TextSpec
from dashboard import words
from dashboard.shell import aria


def section(spec: Mapping[str, Any]) -> Any:
    """A section for the run page; None where the run reads no text of that kind."""
    try:
        text = TextSpec.model_validate(spec.get("text"))
    except ValidationError:
        return None
    shares = sampling(text.lines, text.exponent)
    languages = [
        (f"{words.language_name(code)} ({code})", f"{n:,}", f"{shares[code]:.1%}")
        for code, n in sorted(text.lines.items(), key=lambda item: -item[1])
    ]
    files = [(f.path, f"{sum(f.lines.values()):,}", f"{f.bytes:,}", f.sha256) for f in text.files]
    return html.Section(
        [
            html.H2("Text"),
            html.P(
                f"{sum(text.lines.values()):,} lines of {len(text.lines)} languages in {len(text.files)} files. Languages are drawn "
                f"by lines^{text.exponent:g}; {text.masked:.0%} of the sub-words are hidden.",
                className="soft",
            ),
            _table("Lines of each language", ("language", "lines", "drawn"), languages),
            html.Details(
                [html.Summary("Files"), _table("Files of the text", ("file", "lines", "bytes", "SHA-256"), files)]
            ),
        ],
        className="part-of",
    )


def _table(label: str, heads: tuple[str, ...], rows: Sequence[Sequence[str]]) -> Any:
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
            html.Tbody(
                [
                    html.Tr([html.Td(html.Code(c, className="digest") if len(c) == 64 else c) for c in row])
                    for row in rows
                ]
            ),
        ],
        className="plain-table",
        **aria(label=label),
    )
