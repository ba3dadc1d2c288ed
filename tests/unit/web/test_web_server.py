"""The web application on a real socket of this machine."""

from __future__ import annotations

import signal
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.errors import StartError
from monitor.settings import Web
from monitor.web import WebServer


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


def _server(listen: str) -> WebServer:
    return WebServer(Starlette(routes=[Route("/", _hello)]), Web(listen=listen))


async def _get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0"])
async def test_it_serves_on_a_free_port_and_says_which(listen: str) -> None:
    """Port 0 takes any free port, and the address says the real one."""
    server = _server(listen)
    await server.start()
    try:
        answer = await _get(server.url)
    finally:
        await server.stop()
    assert answer.text == "hello"
    assert not server.url.endswith(":0")
    assert "server" not in answer.headers


async def test_it_serves_on_an_ipv6_address() -> None:
    """An IPv6 address stands in brackets in the URL."""
    server = _server("[::1]:0")
    try:
        await server.start()
    except StartError:
        pytest.skip("this machine has no IPv6")
    try:
        assert server.url.startswith("http://[::1]:")
        assert (await _get(server.url)).text == "hello"
    finally:
        await server.stop()


async def test_a_taken_port_is_one_clear_line() -> None:
    """Another program on the port is told at once, with the key that changes it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError) as caught:
            await _server(f"127.0.0.1:{port}").start()
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: address already in use; set web.listen"


@pytest.mark.parametrize("listen", ["192.0.2.1:0", "no-such-host.invalid:0"])
async def test_an_address_that_is_not_ours_is_one_clear_line(listen: str) -> None:
    """An address of another machine and a name that does not exist are told at once."""
    with pytest.raises(StartError, match=rf"^cannot listen on {listen}: [^;\n]+; set web\.listen$"):
        await _server(listen).start()


async def test_signals_are_left_to_the_daemon() -> None:
    """Serving changes no signal handler."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    server = _server("127.0.0.1:0")
    await server.start()
    await _get(server.url)
    during = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    await server.stop()
    assert during == before


async def test_a_stopped_server_gives_its_port_back() -> None:
    """After stop the port is free, even when nobody ever connected, and a second stop does nothing."""
    first = _server("127.0.0.1:0")
    await first.start()
    await first.stop()
    await first.stop()
    again = _server(first.url.removeprefix("http://"))
    await again.start()
    await again.stop()


async def test_a_server_that_never_started_can_be_stopped() -> None:
    """Stopping in reverse order after a failed start is harmless."""
    await _server("127.0.0.1:0").stop()
