"""The web application on a socket, inside the daemon's own event loop."""

from __future__ import annotations

import asyncio
import os
import socket

from starlette.types import ASGIApp

from monitor.errors import StartError
from monitor.serving import Server
from monitor.settings import Web

__all__ = ["WebServer"]


class WebServer:
    """Serves `app` where `settings` say. Signals are left to the daemon."""

    def __init__(self, app: ASGIApp, settings: Web) -> None:
        self._settings = settings
        self._server = Server(app)
        self._port = settings.port

    @property
    def url(self) -> str:
        """The address, with the real port once the server has started."""
        host = self._settings.host
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen and begin to serve. Raises StartError when the address cannot be had."""
        try:
            listener = await self._listen()
        except OSError as error:
            reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            problem = f"cannot listen on {self._settings.listen}: {(reason or 'unknown').lower()}; set web.listen"
            raise StartError(problem) from error
        self._port = listener.getsockname()[1]
        self._server.start(listener)

    async def stop(self) -> None:
        """Take no more requests and give those under way up to three seconds."""
        await self._server.stop()

    async def _listen(self) -> socket.socket:
        host, port = self._settings.host, self._settings.port
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, dualstack_ipv6=both)
