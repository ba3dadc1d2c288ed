"""The end of sd_notify(3) at which systemd listens: a datagram socket that keeps what it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["NotifySocket", "listening"]


class NotifySocket:
    """`address` is for NOTIFY_SOCKET."""

    def __init__(self, listener: socket.socket, address: str) -> None:
        self.address = address
        self._listener = listener
        self._heard: list[dict[str, str]] = []

    @property
    def heard(self) -> list[dict[str, str]]:
        """Each message so far, the order kept, as its variables."""
        self.listen()
        return self._heard

    def all(self, variable: str) -> list[str]:
        """Return the values of one variable, in the order in which they came."""
        return [message[variable] for message in self.heard if variable in message]

    def order(self, *variables: str) -> list[str]:
        """Return which of these variables came one after the other."""
        return [name for message in self.heard for name in variables if name in message]

    def listen(self) -> None:
        """Read what has come: a queue that nobody reads is soon full."""
        while True:
            try:
                message = self._listener.recv(4096).decode()
            except BlockingIOError:
                return
            self._heard.append(dict(line.split("=", 1) for line in message.split("\n")))


@asynccontextmanager
async def listening(address: str | Path) -> AsyncIterator[NotifySocket]:
    """Listen at a path, or at an abstract name that begins with @."""
    name = str(address)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setblocking(False)
        listener.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        heard = NotifySocket(listener, name)
        loop.add_reader(listener, heard.listen)
        try:
            yield heard
        finally:
            loop.remove_reader(listener)
