"""The page that shows the document to people: plain HTML, made beside it, without a script."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LiveInsight: HTTP API</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<main>
<h1>LiveInsight: HTTP API</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
"""
TAIL = "</main>\n</body>\n</html>\n"


def page(document: Mapping[str, Any]) -> str:
    """Return the page of a document."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [HEAD, "<nav><ul>\n"]
    parts += [_link(*one) for one in operations]
    parts.append("</ul></nav>\n")
    for path, method, operation in operations:
        parts += _operation(path, method, operation)
    parts.append('<h2 id="shapes">Shapes</h2>\n')
    for name, schema in document["components"]["schemas"].items():
        parts += _shape(name, schema)
    return "".join([*parts, TAIL])


def _link(path: str, method: str, operation: Mapping[str, Any]) -> str:
    anchor, summary = operation["operationId"], escape(operation["summary"])
    return f'<li><a href="#{anchor}"><code>{method.upper()} {path}</code></a> {summary}</li>\n'


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h2 id="{operation["operationId"]}"><code>{method.upper()} {path}</code></h2>\n'
    yield f"<p>{escape(operation['summary'])}</p>\n"
    if operation["parameters"]:
        yield "<table><thead><tr><th>parameter</th><th>takes</th><th></th></tr></thead><tbody>\n"
        for one in operation["parameters"]:
            required = " (required)" if one["required"] else ""
            yield (
                f"<tr><td><code>{escape(one['name'])}</code>{required}</td>"
                f"<td>{_kind(one['schema'])}</td><td>{escape(one['description'])}</td></tr>\n"
            )
        yield "</tbody></table>\n"
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        yield f"<p>Body: {_kind(content['schema'])}</p>\n"
    yield "<table><thead><tr><th>status</th><th>answer</th></tr></thead><tbody>\n"
    for status, response in operation["responses"].items():
        shapes = [f"{_kind(one['schema'])}: " for one in response.get("content", {}).values()]
        text = escape(response["description"])
        yield f"<tr><td>{status}</td><td>{''.join(shapes)}{text}</td></tr>\n"
    yield "</tbody></table>\n"


def _shape(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{name}">{name}</h3>\n<p>{escape(schema.get("description", ""))}</p>\n'
    required = schema.get("required", [])
    yield "<table><thead><tr><th>field</th><th>type</th><th></th></tr></thead><tbody>\n"
    for field, inner in schema.get("properties", {}).items():
        may_lack = "" if field in required else " (may be missing)"
        yield (
            f"<tr><td><code>{escape(field)}</code>{may_lack}</td><td>{_kind(inner)}</td>"
            f"<td>{escape(inner.get('description', ''))}</td></tr>\n"
        )
    yield "</tbody></table>\n"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a schema takes, as people write it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(_kind, choices))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    pattern = schema.get("pattern")
    return f"{kind} <code>{escape(pattern)}</code>" if pattern else kind
