"""The dead man's switch: a ping after each good round, so that its absence tells that we are dead or blind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import structlog
from pydantic import SecretStr

from monitor.network import reason

__all__ = ["DeadMan"]

log = structlog.get_logger()

_TIMEOUT = 10.0


class DeadMan:
    """Asks an address while `trouble` finds none; what it finds is logged once."""

    def __init__(self, http: httpx.AsyncClient, trouble: Callable[[], Awaitable[str | None]]) -> None:
        self._http = http
        self._trouble = trouble
        self._said = ""

    async def ping(self, url: SecretStr | None) -> None:
        """Ping `url`, if there is one and all is well: every poll complete, every rule working, the outbox drained."""
        if url is None:
            return
        problem = await self._trouble() or await self._ask(url)
        if problem and problem != self._said:
            log.warning("dead man's switch not pinged", reason=problem)
        self._said = problem or ""

    async def _ask(self, url: SecretStr) -> str | None:
        try:
            answer = await self._http.get(url.get_secret_value(), timeout=_TIMEOUT, follow_redirects=False)
        except httpx.HTTPError as error:
            return f"its address did not answer: {reason(error)}"
        return None if answer.is_success else f"its address answered {answer.status_code}"
