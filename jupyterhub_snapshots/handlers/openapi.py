"""The API's description (OpenAPI 3.1), made from the routes and their models, and a page of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, ClassVar

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from .._version import __version__
from ..core.access import PUBLIC, Action
from .api import ApiHandler
from .base import BaseHandler, Form, Operation, RawBody
from .models import ErrorModel

_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Snapshots of students' homes. Send a hub token as `Authorization: token …` or a personal key "
    "as `X-Api-Key: …`. `{ident}` is your hub username or `me`, `{course}` a course's code or "
    "title, `{student}` the id of a student (or a username that is no number)."
)
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
h3 { margin-top: 2rem; font-size: 1.1rem; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .95em; }
details { margin: .4rem 0; } summary { cursor: pointer; }
pre { overflow: auto; padding: .8rem; border: 1px solid; border-radius: .4rem; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
"""


def describe(
    groups: Mapping[str, Iterable[tuple[str, type[BaseHandler]]]], server: str
) -> dict[str, Any]:
    """The OpenAPI document of these groups of routes, each given as path template and handler."""
    schemas: dict[str, Any] = {}

    def schema(kind: Any, mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
        made = TypeAdapter(kind).json_schema(ref_template=_REF, mode=mode)
        schemas.update(made.pop("$defs", {}))
        name = getattr(kind, "__name__", "")
        if name.endswith("Model"):
            schemas[name] = made
            return {"$ref": _REF.format(model=name)}
        return made

    errors = {"application/json": {"schema": schema(ErrorModel)}}
    paths: dict[str, Any] = {}
    for group, template, handler in (
        (group, *route) for group, routes in groups.items() for route in routes
    ):
        names = re.findall(r"\{(\w+)\*?\}", template)
        path = template.replace("*}", "}")
        for method, operation in handler.operations.items():
            paths.setdefault(path, {})[method.lower()] = {
                "operationId": f"{method.lower()}_{handler.__name__.removesuffix('Handler')}",
                "summary": operation.summary,
                "tags": [group],
                "security": [] if operation.action in PUBLIC else [{"token": []}, {"key": []}],
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in names
                ]
                + _query_parameters(operation),
                **_request_body(operation, schema),
                "responses": {
                    str(operation.status): _answer(operation, operation.answer, schema),
                    **{
                        str(status): _answer(operation, answer, schema)
                        for status, answer in operation.also.items()
                    },
                    "default": {"description": "An error", "content": errors},
                },
            }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyterhub-snapshots",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "servers": [{"url": server}],
        "tags": [{"name": group} for group in groups],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    made = operation.query.model_json_schema(ref_template=_REF)
    return [
        {"name": name, "in": "query", "required": name in made.get("required", ()), "schema": field}
        for name, field in made["properties"].items()
    ]


def _request_body(operation: Operation, schema: Any) -> dict[str, Any]:
    if operation.body is None:
        return {}
    if isinstance(operation.body, Form):
        content = _form(operation.body)
    elif isinstance(operation.body, RawBody):
        content = _raw(operation.body)
    else:
        content = {"application/json": {"schema": schema(operation.body, "validation")}}
    return {"requestBody": {"required": True, "content": content}}


def _form(form: Form) -> dict[str, Any]:
    fields: dict[str, Any] = {name: {"type": "string"} for name in (*form.required, *form.optional)}
    required = list(form.required)
    kinds = ["multipart/form-data"]
    if form.file is not None:
        fields[form.file] = {"type": "string", "contentMediaType": "application/octet-stream"}
        required.append(form.file)
    else:
        kinds.insert(0, "application/x-www-form-urlencoded")
    made = {"schema": {"type": "object", "properties": fields, "required": required}}
    return dict.fromkeys(kinds, made)


def _raw(body: RawBody) -> dict[str, Any]:
    made = {"type": "string"} if body.text else {"type": "string", "format": "binary"}
    if body.summary is not None:
        made["description"] = body.summary
    return {body.media: {"schema": made}}


def _answer(operation: Operation, answer: Any, schema: Any) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if answer is not None:
        content = {"schema": schema(answer)}
    return {"description": operation.summary, "content": {operation.media: content}}


class OpenApiHandler(ApiHandler):
    """GET /api/v1/openapi.json"""

    operations: ClassVar = {"GET": Operation(Action.READ_API, "This description")}
    public_without_hub = True

    async def get(self) -> None:
        """See the class."""
        await self.reply_made(self.settings["openapi"])


class DocsHandler(BaseHandler):
    """GET /api/v1/docs: the description for people; loads nothing from anywhere."""

    operations: ClassVar = {
        "GET": Operation(Action.READ_API, "This description as a page", media="text/html")
    }
    public_without_hub = True

    async def get(self) -> None:
        """See the class."""
        digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'",
        )
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(await asyncio.to_thread(lambda: _page(self.settings["openapi"]())))


def _page(document: dict[str, Any]) -> str:
    info = document["info"]
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}',
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style><main><h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{_code(info['description'])}</p>",
        "<p>For programs: <a href='openapi.json'>openapi.json</a></p>",
    ]
    for group in document["tags"]:
        parts.append(f"<h2>{escape(group['name'])}</h2>")
        for path, methods in document["paths"].items():
            here = [each for each in methods.items() if group["name"] in each[1]["tags"]]
            if here:
                parts.append(f"<h3><code>{escape(path)}</code></h3>")
                parts += [_operation(method, each) for method, each in here]
    parts.append("<h2>Models</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(
            f"<details id='{escape(name)}'><summary><code>{escape(name)}</code> "
            f"{escape(schema.get('description', ''))}</summary>{_fields(schema)}</details>"
        )
    return "".join(parts) + "</main></html>\n"


def _operation(method: str, operation: dict[str, Any]) -> str:
    lines = [
        f"<li><code>{escape(each['name'])}</code> ({each['in']}"
        f"{', required' if each['required'] else ''})</li>"
        for each in operation["parameters"]
    ]
    for media, content in operation.get("requestBody", {"content": {}})["content"].items():
        lines.append(f"<li>body: {escape(media)} {_body(content['schema'])}</li>")
    for status, answer in operation["responses"].items():
        for media, content in answer["content"].items():
            lines.append(
                f"<li>{escape(status)}: {escape(media)} {_link(content.get('schema', {}))}</li>"
            )
    return (
        f"<details><summary><span class='method'>{method.upper()}</span> "
        f"{escape(operation['summary'])}</summary><ul>{''.join(lines)}</ul></details>"
    )


def _body(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return _fields(schema)
    return " ".join(filter(None, (_link(schema), escape(schema.get("description", "")))))


def _link(schema: dict[str, Any]) -> str:
    if "items" in schema:
        return f"list of {_link(schema['items'])}"
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        return f"<a href='#{escape(name)}'><code>{escape(name)}</code></a>"
    return escape(str(schema.get("type", "")))


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    items = [
        f"<li><code>{escape(name)}</code> {_kind(field)}{'' if name in required else ' (optional)'}"
        "</li>"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"<ul>{''.join(items)}</ul>"


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if "prefixItems" in field:
        return f"[{', '.join(_kind(each) for each in field['prefixItems'])}]"
    return _link(field) or "value"


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
