"""What the extension's handlers share: who may ask, and errors in the service's one shape."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.client import responses
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.utils import HTTP_METHOD_TO_AUTH_ACTION
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from .. import error_status, errors
from .failures import Failure
from .link import ServiceLink

#: Part of the address below the server's own, and the resource an authorizer is asked about.
NAME = "jupyterhub-snapshots"
#: Two paths of the greatest length, each character as an escape of JSON, and more than that.
_MAX_BODY_BYTES = 128 * 2**10
_TOLD = (errors.SnapshotsError, Failure)


class ExtensionHandler(JupyterHandler):
    """Asks who it is and whether they may before a body is kept; answers errors as JSON.

    Nothing of this counts as the person's activity: a panel that looks for news must not keep a
    server alive.
    """

    auth_resource = NAME

    @property
    def link(self) -> ServiceLink:
        """The server's link to the service."""
        found: ServiceLink = self.settings[NAME]
        return found

    async def prepare(self) -> None:  # type: ignore[override]
        """Every method of every route is for the server's own people."""
        await super().prepare()
        if self._finished:
            return
        if not self.check_origin():
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        if not self.current_user:
            if not self._navigating():
                raise web.HTTPError(HTTPStatus.FORBIDDEN)
            web.authenticated(lambda handler: None)(self)
            return
        action = HTTP_METHOD_TO_AUTH_ACTION[(self.request.method or "").upper()]
        if not await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, self.auth_resource)
        ):
            raise errors.AccessDenied(f"You may not {action} snapshots from this server.")

    def _navigating(self) -> bool:
        """Whether a person follows a link, who can then sign in."""
        headers = self.request.headers
        return self.request.method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"

    def reply(self, value: object, status: int = HTTPStatus.OK) -> None:
        """Answers JSON."""
        self.reply_text(json.dumps(value), status)

    def reply_text(self, text: str | bytes, status: int = HTTPStatus.OK) -> None:
        """Answers JSON that was made elsewhere, because it is large."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Gives an error of ours its status; breaks off what has begun to be sent."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if self._headers_written and not self._finished:
            # An end would look like success: the browser must see that the transfer broke.
            self._finished = True
            self.on_finish()
            self.request.connection.stream.close()  # type: ignore[union-attr]
            return
        if isinstance(error, _TOLD):
            status_code = status_of(error)
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one error body."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        phrase = responses.get(status_code, "Unknown Error")
        body: dict[str, object] = {"status": status_code, "error": phrase}
        if isinstance(error, _TOLD):
            body |= {"code": error.code, "message": error.message}
            body |= {"details": error.details} if error.details else {}
        else:
            said = error.log_message if isinstance(error, web.HTTPError) else None
            code = phrase.lower().replace(" ", "_").replace("-", "_")
            body |= {"code": code, "message": said or f"{phrase}."}
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Our own errors are answers; only what nobody expected is logged with its trace."""
        if isinstance(error, _TOLD):
            # A name in it may be no UTF-8, which a log is.
            said = str(error).encode("utf-8", "backslashreplace").decode()
            self.log.info("%s: %s", self.request.path, said)
        else:
            super().log_exception(kind, error, trace)


@web.stream_request_body
class JsonHandler(ExtensionHandler):
    """A handler whose requests have a small JSON object as their body."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Nothing of a body is kept for somebody who may not send one."""
        self._body = bytearray()
        await super().prepare()

    def data_received(self, chunk: bytes) -> None:
        """Called by Tornado with each piece of the body; what is too much is let go."""
        if len(self._body) <= _MAX_BODY_BYTES:
            self._body += chunk

    def json_body(self) -> dict[str, Any]:
        """The body, a JSON object. Raises InvalidRequest, TooLarge."""
        if len(self._body) > _MAX_BODY_BYTES:
            raise errors.TooLarge("The request is too large.")
        try:
            body = json.loads(self._body)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise errors.InvalidRequest("Send a JSON object.")
        return body


def status_of(error: errors.SnapshotsError | Failure) -> int:
    """HTTP status of an error that is told."""
    if isinstance(error, Failure):
        return error.status
    return error_status.status_of(error)
