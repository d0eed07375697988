"""Bodies and queries: never more in memory than the limit, and what is in them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from tornado import httputil, web

from .. import errors

Model = TypeVar("Model", bound=BaseModel)

#: A refused request's body up to this size is read and dropped, so that the client can read why.
DRAINED_BYTES = 32 * 1024 * 1024
_MAX_BODY_BYTES = 2 * 1024 * 1024
_TYPE = re.compile(r"(constrained-)?(str|int|float)|(tuple|list)\[.*")


@web.stream_request_body
class BoundedBody(web.RequestHandler):
    """Reads bodies itself: Tornado would collect all of any body that no handler takes."""

    max_body_bytes = _MAX_BODY_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._body = bytearray()
        self._received = 0
        super().__init__(*args, **kwargs)

    def check_length(self) -> None:
        """Raises TooLarge for a body that is announced to be larger than what is read of it."""
        length = self.announced_bytes()
        if length > self.max_body_bytes:
            self.set_header("Connection", "close")
            if length > DRAINED_BYTES:
                raise _too_large(self.max_body_bytes)

    def announced_bytes(self) -> int:
        """Length of the body by its header; 0 when there is none."""
        length = self.request.headers.get("Content-Length", "")
        return int(length) if length.isascii() and length.isdigit() else 0

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keeps the body up to the limit and drops what is beyond; called by Tornado."""
        self._received += len(chunk)
        if self._received > DRAINED_BYTES:
            self.request.connection.stream.close()  # type: ignore[union-attr]
        elif self._received <= self.max_body_bytes:
            self._body.extend(chunk)
        else:
            self._body.clear()
        return None

    @property
    def body(self) -> bytes:
        """The whole body. Raises TooLarge."""
        if self._received > self.max_body_bytes:
            raise _too_large(self.max_body_bytes)
        return bytes(self._body)

    def json_body(self, model: type[Model]) -> Model:
        """The body read as JSON, whatever type it is sent as. Raises InvalidRequest."""
        text = self.body.removeprefix(codecs.BOM_UTF8)
        if not text.strip():
            raise errors.InvalidRequest("The body is empty: send a JSON object.", field="the body")
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            raise _invalid(error, "the body") from error

    def query(self, model: type[Model]) -> Model:
        """The parameters of the query; the first counts of one that is repeated.

        Raises InvalidRequest.
        """
        found = self.request.query_arguments.items()
        try:
            return model.model_validate(
                {name: self.decode_argument(values[0]) for name, values in found}
            )
        except ValidationError as error:
            raise _invalid(error, "the query") from error

    def form(self) -> tuple[dict[str, list[bytes]], dict[str, list[httputil.HTTPFile]]]:
        """Fields and files of a form body; nothing for any other body.

        Raises InvalidRequest for a form that can't be read.
        """
        fields: dict[str, list[bytes]] = {}
        files: dict[str, list[httputil.HTTPFile]] = {}
        kind = self.request.headers.get("Content-Type", "")
        try:
            httputil.parse_body_arguments(kind, self.body, fields, files)
        except httputil.HTTPInputError as error:
            raise errors.InvalidRequest("The form can't be read.") from error
        return fields, files


def upload_name(upload: httputil.HTTPFile) -> str:
    """The file name as forms encode it: quotes and line ends are percent-encoded (WHATWG)."""
    name = upload.filename or ""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _invalid(error: ValidationError, whole: str) -> errors.InvalidRequest:
    first = error.errors(include_url=False, include_input=False)[0]
    # Where one of several types fits, pydantic adds the one that it tried.
    where = ".".join(str(part) for part in first["loc"] if not _TYPE.fullmatch(str(part))) or whole
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"{whole} takes nothing of that name"
    return errors.InvalidRequest(f"{where}: {message}.", field=where)


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(f"The body is over the limit of {limit} bytes.")
