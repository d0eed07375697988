"""The link to the service: one host, the person's own token, no redirect followed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from urllib.parse import unquote

import httpx

from .._version import __version__
from ..errors import InvalidName, TooLarge
from .failures import ServiceDown, ServiceRefused

_CONNECT_SECONDS = 5.0
#: The service's streams of events send something every 15 seconds.
_SILENCE_SECONDS = 60.0
#: For all else: before a zip's first byte its whole folder is walked.
_WORK_SECONDS = 600.0
_IDLE_CONNECTIONS = 4
#: What a proxy says of a service that is down.
_OF_PROXIES = {502, 503, 504}
_API = "api/v1"


class ServiceLink:
    """The connections to the service, opened when the first is needed.

    Parameters:
        url: of the service, with its prefix; "" when nobody said.
        token: of the person, from the hub; "" outside of a hub.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._client: httpx.AsyncClient | None = None

    @property
    def configured(self) -> bool:
        """Whether it is known where the service is and who the person is."""
        return bool(self.url and self._token)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """A request, and the answer whose body is not read yet.

        Parameters:
            path: below the service's ``api/v1``, percent-encoded; may have a query.

        Raises ServiceDown, also when the service breaks off while the answer is read.
        """
        check_path(path.partition("?")[0])
        if not self.configured:
            raise ServiceDown(
                "The snapshots service is not set up for this server. The administrator of the hub "
                "must set JUPYTERHUB_SNAPSHOTS_URL in c.Spawner.environment."
            )
        if self._client is None:
            self._client = self._make_client()
        url = f"{self.url}/{_API}" + (path if path[:1] in ("", "?") else f"/{path}")
        try:
            request = self._client.build_request(
                method, url, headers=headers, content=content, timeout=_patience(path)
            )
            response = await self._client.send(request, stream=True)
            try:
                yield response
            finally:
                # In a task of its own: a connection whose closing is cancelled stays open.
                await asyncio.shield(asyncio.ensure_future(response.aclose()))
        except httpx.InvalidURL as error:
            raise InvalidName("This is not an address of the snapshots service.") from error
        except httpx.TransportError as error:
            raise _no_answer() from error

    async def read(self, path: str, most_bytes: int) -> bytes:
        """The body of a GET. Raises ServiceDown, ServiceRefused, TooLarge."""
        async with self.stream("GET", path) as response:
            await raise_refusal(response)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > most_bytes:
                    raise TooLarge(
                        f"The file is larger than {most_bytes // 2**20} MB. Download it instead."
                    )
            return bytes(body)

    async def close(self) -> None:
        """Closes the connections, for tests; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _make_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={
                "Authorization": f"token {self._token}",
                # What comes is passed on as it is, and its length stays known.
                "Accept-Encoding": "identity",
                "User-Agent": f"jupyterhub-snapshots/{__version__}",
            },
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_IDLE_CONNECTIONS),
            verify=ssl.create_default_context(),
            # The token goes to the service only, through nobody's proxy.
            trust_env=False,
            follow_redirects=False,
        )


def check_path(path: str) -> None:
    """Raises InvalidName for a percent-encoded path that would lead out of the service's API."""
    if any(part in (".", "..") for part in unquote(path).split("/")):
        raise InvalidName("This is not an address of the snapshots service.")


def _patience(path: str) -> httpx.Timeout:
    """How long the service may be silent, by what it is asked."""
    address = path.partition("?")[0]
    soon = address == "" or address.rpartition("/")[2] == "events"
    return httpx.Timeout(
        _SILENCE_SECONDS,
        read=_SILENCE_SECONDS if soon else _WORK_SECONDS,
        connect=_CONNECT_SECONDS,
        pool=None,
    )


def _no_answer() -> ServiceDown:
    return ServiceDown(
        "The snapshots service does not answer. Try again in a moment, or tell the administrator "
        "of the hub."
    )


def check_answer(response: httpx.Response) -> None:
    """Raises ServiceDown for what is no answer of the service itself.

    It sends no redirect to a token; and all its errors are JSON, those of the proxy before it, when
    it is down, are pages.
    """
    if response.has_redirect_location:
        raise ServiceDown(
            "The snapshots service sent the request elsewhere. Tell the administrator of the hub."
        )
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.status_code in _OF_PROXIES and kind != "application/json":
        raise _no_answer()


async def raise_refusal(response: httpx.Response) -> None:
    """Raises ServiceRefused unless all went well; ServiceDown for what `check_answer` refuses."""
    if response.status_code == HTTPStatus.OK:
        return
    check_answer(response)
    if not response.is_error:
        raise _no_answer()
    try:
        body = json.loads(await response.aread())
    except ValueError:
        body = None
    raise ServiceRefused(response.status_code, body)
