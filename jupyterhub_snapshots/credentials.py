"""From a credential to a principal: keys, hub tokens and hub sessions. No HTTP but the hub's."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Iterable
from typing import Any

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError
from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .core.access import Principal
from .core.records import Course, Role
from .errors import AccessDenied, HubUnavailable, NotAuthenticated, TooManyAttempts
from .metrics import REFUSED_CREDENTIALS
from .roster import Roster
from .store import Store, keys

#: How long the hub may take to answer.
HUB_SECONDS = 10.0
_WATCHED_ADDRESSES = 10_000


class Credentials(LoggingConfigurable):
    """Tells who a caller is. A wrong credential costs time, a right one never does."""

    free_attempts = Integer(
        10,
        min=0,
        help="Wrong credentials that an address may send within the window before it is slowed.",
    ).tag(config=True)

    max_attempts = Integer(
        50,
        min=1,
        help="""Wrong credentials within the window after which an address is answered 429.

        A right credential works all the same, because behind the hub's proxy everybody may have
        one address.
        """,
    ).tag(config=True)

    attempts_window_seconds = Float(
        60.0, min=1, help="How long wrong credentials are remembered, in seconds."
    ).tag(config=True)

    delay_seconds = Float(
        0.25, min=0, help="How long the answer to a wrong credential is held back, in seconds."
    ).tag(config=True)

    def __init__(
        self,
        *,
        store: Store,
        roster: Roster,
        hub_auth: HubOAuth | None,
        site_key: str | None = None,
        site_courses: Iterable[Course] = (),
        parent: Configurable | None = None,
    ) -> None:
        """`site_key` is the one key of a service without a hub: its administrator's."""
        super().__init__(parent=parent)
        self._store = store
        self._roster = roster
        self.hub_auth = hub_auth
        self._site_key = _digest(site_key) if site_key else None
        self._site_roles = tuple((course.id, Role.INSTRUCTOR) for course in site_courses)
        self._wrong: dict[str, tuple[float, int]] = {}

    async def of_key(self, secret: str, address: str, *, fresh: bool) -> Principal:
        """The principal of an API key.

        Parameters:
            fresh: ask the hub for the owner's groups now; see `of_token`.

        Raises NotAuthenticated or TooManyAttempts for a wrong or revoked one, HubUnavailable.
        """
        if self._site_key and hmac.compare_digest(_digest(secret), self._site_key):
            return Principal("key:site", None, admin=True, roles=self._site_roles, credential="key")
        key = await self._store.read(lambda db: keys.check_key(db, secret))
        if key is None:
            await self._refuse("key", address)
        assert key is not None
        if keys.use_is_stale(key):
            await self._store.write(lambda db: keys.note_use(db, key.id))
        roles = await self._roster.roles(key.owner, fresh=fresh)
        if key.course_id is not None:
            roles = {course: role for course, role in roles.items() if course == key.course_id}
        return Principal(
            f"key:{key.prefix} ({key.owner})",
            key.owner,
            roles=tuple(roles.items()),
            credential="key",
        )

    async def of_token(self, token: str, address: str, *, fresh: bool) -> Principal:
        """The principal of a hub token.

        Parameters:
            fresh: ask the hub now; otherwise an answer may be as old as the cache's age.

        Raises NotAuthenticated, TooManyAttempts, AccessDenied, HubUnavailable.
        """
        if self.hub_auth is None:
            await self._refuse("token", address)
        assert self.hub_auth is not None
        model = await _asked(self.hub_auth.user_for_token(token, use_cache=not fresh, sync=False))
        if model is None:
            await self._refuse("token", address)
        assert model is not None
        return await self._of_model(model, "token", fresh)

    async def of_session(self, handler: Any, *, fresh: bool) -> Principal | None:
        """The principal of a browser's session with the hub, or None; `fresh` as for `of_token`.

        Raises AccessDenied, HubUnavailable.
        """
        model = await self.session(handler)
        if model is not None and fresh:
            # `get_user` has seen that the request is the session's own, but of the person it
            # tells what it may have learned a while ago.
            assert self.hub_auth is not None
            answer = self.hub_auth.user_for_token(
                self.hub_auth.get_token(handler),
                use_cache=False,
                session_id=self.hub_auth.get_session_id(handler),
                sync=False,
            )
            model = await _asked(answer)
        return await self._of_model(model, "session", fresh) if model is not None else None

    async def session(self, handler: Any) -> dict[str, Any] | None:
        """What the hub says of the session in the request's cookie. Raises HubUnavailable."""
        if self.hub_auth is None:
            return None
        return await _asked(self.hub_auth.get_user(handler, sync=False))

    async def _of_model(self, model: dict[str, Any], credential: str, fresh: bool) -> Principal:
        """The principal that the hub describes. Raises AccessDenied without access to the
        service."""
        assert self.hub_auth is not None
        wanted = self.hub_auth.access_scopes
        if wanted and not self.hub_auth.check_scopes(wanted, model):
            raise AccessDenied(
                "This account or token may not use the service. It needs the scope "
                f"{' or '.join(sorted(wanted))}; ask the administrator of the hub."
            )
        name = str(model["name"])
        if model["kind"] != "user":
            return Principal(
                f"{model['kind']}:{name}", None, admin=bool(model.get("admin")), credential="token"
            )
        roles = await self._roster.roles(name, model.get("groups"), fresh=fresh)
        return Principal(
            name,
            name,
            admin=bool(model.get("admin")),
            roles=tuple(roles.items()),
            credential=credential,
        )

    async def _refuse(self, kind: str, address: str) -> None:
        REFUSED_CREDENTIALS.labels(kind).inc()
        now = time.monotonic()
        began, count = self._wrong.get(address, (now, 0))
        if now - began > self.attempts_window_seconds:
            began, count = now, 0
        if len(self._wrong) >= _WATCHED_ADDRESSES:
            self._wrong.clear()
        self._wrong[address] = (began, count + 1)
        if count >= self.max_attempts:
            wait = began + self.attempts_window_seconds - now
            raise TooManyAttempts(
                "Too many wrong keys or tokens came from your address. Wait a minute; a right "
                "one works at any time.",
                retry_after_seconds=max(1.0, wait),
            )
        self.log.warning("Wrong %s from %s", kind, address)
        if count >= self.free_attempts:
            await asyncio.sleep(self.delay_seconds)
        raise NotAuthenticated(
            "The key is wrong or was revoked. Send a valid one as the header X-Api-Key."
            if kind == "key"
            else "The token is wrong, has expired or was revoked. Make a new one on the hub's "
            "page 'Token', and send it as 'Authorization: token …'."
        )


async def _asked(answer: Awaitable[Any]) -> dict[str, Any] | None:
    """What the hub says of a credential; None when nobody holds it. Raises HubUnavailable."""
    try:
        model = await asyncio.wait_for(answer, HUB_SECONDS)
        if model is not None and not isinstance(model, dict):
            raise ValueError("not an object")
    except (HTTPError, ValueError, asyncio.TimeoutError) as error:
        raise HubUnavailable(
            "The hub does not answer, so the service can't check who you are. Try again in a "
            "moment."
        ) from error
    return model


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
