"""Errors as HTTP: which status, and the one body that all of them have."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from pydantic.alias_generators import to_camel

from .. import errors


def error_body(status: int, error: BaseException | None) -> dict[str, object]:
    """The one shape of an error; the text of an error that is not ours is kept inside."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    body: dict[str, object] = {"status": status, "error": phrase}
    if isinstance(error, errors.SnapshotsError):
        return (
            body
            | {"code": error.code, "message": error.message}
            | ({"details": _camel(error.details)} if error.details else {})
        )
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    message = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        500: "Internal error. The log of the service says more.",
    }.get(status, f"{phrase}.")
    return body | {
        "code": code if status != HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error",
        "message": message,
    }


def _camel(details: dict[str, object]) -> dict[str, object]:
    return {to_camel(name): value for name, value in details.items()}


def error_of(code: str | None, message: str | None) -> errors.SnapshotsError:
    """The error that ended a capture, from what the batch remembers of it."""
    for kind in _leaves(errors.SnapshotsError):
        if kind.code == code:
            return kind(message or code)
    return errors.EngineFailed(message or "The capture was stopped.")


def _leaves(kind: type[errors.SnapshotsError]) -> list[type[errors.SnapshotsError]]:
    return [kind, *(leaf for each in kind.__subclasses__() for leaf in _leaves(each))]


def error_page(body: dict[str, object]) -> str:
    title = escape(f"{body['status']} {body['error']}")
    return (
        f'<!doctype html><html lang="en"><title>{title}</title>'
        f"<h1>{title}</h1><p>{escape(str(body['message']))}</p>\n"
    )
