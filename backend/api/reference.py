"""``/api/docs``: the OpenAPI description as one plain page, without script and without anything from another origin.

(Swagger UI and ReDoc are loaded from a CDN by default, and what packages carry of them does not read OpenAPI 3.1.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #1565c0; }
@media (prefers-color-scheme: dark) { :root { --accent: #82b1ff; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
a { color: var(--accent); } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } code, pre { font: .9em/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .7rem; border-radius: 4px; overflow-x: auto; }
.method { display: inline-block; min-width: 3.4em; font-weight: 700; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem;
border-bottom: 1px solid var(--line); } td:first-child { white-space: nowrap; }
"""


def page(description: Mapping[str, Any]) -> str:
    """The page for an OpenAPI description."""
    info = description["info"]
    schemas = description.get("components", {}).get("schemas", {})
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append((method.upper(), path, operation))
    body = [
        f"<h1>{escape(info['title'])} API</h1>",
        f"<p>{_code_spans(info.get('description', ''))}</p>",
        '<p>Machine-readable: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a></p>',
    ]
    for tag, operations in groups.items():
        body.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>')
        body.extend(_operation(*operation, schemas) for operation in operations)
    body.append('<h2 id="schemas">Schemas</h2>')
    body.extend(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _code_spans(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts)).replace("\n\n", "</p><p>")


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, as HTML; named ones are links."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(_type(s) for s in schema.get("anyOf", schema.get("oneOf", ())))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"<code>{escape(json.dumps(v))}</code>" for v in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "maxLength": "length ≤"}
    limits = ", ".join(f"{sign} {schema[key]}" for key, sign in words.items() if key in schema)
    return escape(f"{kind} ({schema['format']})" if "format" in schema else kind) + (f", {limits}" if limits else "")


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    inside = "".join(f"<tr><td>{name}</td><td>{kind}</td><td>{text}</td></tr>" for name, kind, text in rows)
    return f"<table><tr><th>Name</th><th>Type</th><th>Meaning</th></tr>{inside}</table>" if inside else ""


def _parameters(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for p in operation.get("parameters", ()):
        schema = p.get("schema", {})
        text = p.get("description", "")
        if "default" in schema and schema["default"] is not None:
            text += f" Default: `{schema['default']}`."
        yield f"<code>{escape(p['name'])}</code> ({p['in']})", _type(schema), _code_spans(text.strip())


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    parts = [f"<p>{_code_spans(operation.get('description', ''))}</p>", _table(_parameters(operation))]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").rsplit("/", 1)[-1]
        parts.append(f"<p>Body: {_type(content['schema'])} ({escape(kind)})</p>")
        parts.append(_examples(schemas.get(name, {})))
    answers = []
    for status, answer in sorted(operation.get("responses", {}).items()):
        kinds = [
            f"{_type(c['schema'])} ({escape(kind)})" if c.get("schema") else escape(kind)
            for kind, c in answer.get("content", {}).items()
        ]
        text = f"{escape(answer.get('description', ''))} {'; '.join(kinds)}"
        answers.append(f"<tr><td>{escape(status)}</td><td>{text}</td></tr>")
    parts.append(f"<table><tr><th>Status</th><th>Answer</th></tr>{''.join(answers)}</table>")
    name = escape(operation["operationId"])
    return (
        f'<details id="{name}"><summary><span class="method">{method}</span> <code>{escape(path)}</code></summary>'
        f"{''.join(parts)}</details>"
    )


def _examples(schema: Mapping[str, Any]) -> str:
    shown = (escape(json.dumps(example, indent=2, ensure_ascii=False)) for example in schema.get("examples", ()))
    return "".join(f"<pre>{example}</pre>" for example in shown)


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = (
        (
            f"<code>{escape(field)}</code>" + ("" if field in required else " (optional)"),
            _type(inner),
            _code_spans(inner.get("description", "")),
        )
        for field, inner in schema.get("properties", {}).items()
    )
    text = f"<p>{_code_spans(schema.get('description', ''))}</p>"
    inside = text + (_table(rows) or f"<p>{_type(schema)}</p>") + _examples(schema)
    return f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>{inside}</details>'
