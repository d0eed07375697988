"""The hub's REST API, as far as the service reads it: groups and their members."""

from __future__ import annotations

import logging
import ssl
import time
from urllib.parse import quote

import httpx

from .errors import HubUnavailable

_TIMEOUT_SECONDS = 10.0
#: How long a hub that did not answer is not waited for again.
SILENT_SECONDS = 5.0
_CACHED_MOST = 10_000


class HubClient:
    """Asks the hub with the service's own token. Needs the scopes read:groups and
    read:users:groups.

    Parameters:
        api_url: of the hub, ``JUPYTERHUB_API_URL``.
        token: of the service, ``JUPYTERHUB_API_TOKEN``.
        cache_seconds: how long an answer about a person may be used again.
        trust: certificates, when the hub's internal SSL is on.
    """

    def __init__(
        self,
        api_url: str,
        token: str,
        cache_seconds: float,
        log: logging.Logger,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=api_url.rstrip("/") + "/",
            headers={"Authorization": f"token {token}"},
            timeout=_TIMEOUT_SECONDS,
            verify=trust or True,
        )
        self._cache_seconds = cache_seconds
        self._log = log
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._silent_until = 0.0

    async def members_of(self, group: str) -> list[str]:
        """Usernames of the group's members; none when there is no such group.

        Raises HubUnavailable.
        """
        return await self._names(f"groups/{quote(group, safe='')}", "users")

    async def groups_of(self, username: str, *, fresh: bool = False) -> frozenset[str]:
        """Groups of a person; none for one whom the hub does not know.

        Parameters:
            fresh: ask the hub now, whatever it said, or did not say, a moment ago.

        Raises HubUnavailable.
        """
        now = time.monotonic()
        if not fresh:
            known = self._groups.get(username)
            if known is not None and now < known[0]:
                return known[1]
            if now < self._silent_until:
                raise _unavailable()
        groups = frozenset(await self._names(f"users/{quote(username, safe='')}", "groups"))
        if len(self._groups) >= _CACHED_MOST:
            self._groups.clear()
        self._groups[username] = (now + self._cache_seconds, groups)
        return groups

    async def _names(self, path: str, key: str) -> list[str]:
        """The names under that key of the answer; none when there is nothing of that path."""
        try:
            response = await self._client.get(path)
            if response.status_code == httpx.codes.NOT_FOUND:
                return []
            response.raise_for_status()
            return [str(name) for name in response.json()[key]]
        except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            # An error is told at once; only silence costs time.
            if isinstance(error, httpx.TransportError):
                self._silent_until = time.monotonic() + SILENT_SECONDS
            self._log.warning("The hub did not answer %s: %r", path, error)
            raise _unavailable() from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _unavailable() -> HubUnavailable:
    return HubUnavailable(
        "The hub does not answer, so the service can't check who you are. Try again in a moment."
    )
