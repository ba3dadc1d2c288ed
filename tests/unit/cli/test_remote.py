"""Answers of a daemon, and of what is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from typer import BadParameter

from monitor.cli.answers import Runs
from monitor.cli.remote import Remote, RemoteError, _check_url, connect
from monitor.errors import ConfigError

ORIGIN = "http://monitor.test"

Server = Callable[[Callable[[httpx.Request], httpx.Response]], Remote]


@pytest.fixture
async def remote() -> AsyncIterator[Server]:
    """Return a maker of a daemon's stand-in that answers as a test says."""
    clients: list[httpx.AsyncClient] = []

    def make(answer: Callable[[httpx.Request], httpx.Response]) -> Remote:
        clients.append(httpx.AsyncClient(transport=httpx.MockTransport(answer)))
        return Remote(clients[-1], ORIGIN)

    yield make
    for client in clients:
        await client.aclose()


async def test_parameters_without_a_value_are_not_sent(remote: Server) -> None:
    """What is not asked for is left out, and an id goes as it is."""
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json={"runs": []})

    await remote(answer).get("runs", conversation_id="a+/=&b", project=None)
    assert seen[0].path == "/api/v1/runs"
    assert list(seen[0].params.multi_items()) == [("conversation_id", "a+/=&b")]


async def test_what_is_taken_away_is_named_in_the_path(remote: Server) -> None:
    """An id that holds what means something in an address stays one segment of the path."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    await remote(answer).delete("silences", "a/../b?c#d", by="누구")
    assert (seen[0].method, seen[0].url.raw_path.partition(b"?")[0]) == (
        "DELETE",
        b"/api/v1/silences/a%2F..%2Fb%3Fc%23d",
    )
    assert dict(seen[0].url.params) == {"by": "누구"}


async def test_what_this_version_does_not_know_is_no_error(remote: Server) -> None:
    """A newer daemon may say more."""
    answer = await remote(lambda _: httpx.Response(200, json={"runs": [], "more": 1})).get("runs")
    assert answer.read(Runs) == Runs(runs=())
    assert answer.data() == {"runs": [], "more": 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"runs": [', b"[" * 100_000])
async def test_an_answer_that_is_not_json_is_told(remote: Server, body: bytes) -> None:
    """Whatever listens there instead of a daemon, the error says so in one line."""
    answer = await remote(lambda _: httpx.Response(200, content=body)).get("runs")
    for read in (answer.data, lambda: answer.read(Runs)):
        with pytest.raises(RemoteError, match=rf"^{ORIGIN} does not answer with JSON; is it an alli-monitor\?$"):
            read()


@pytest.mark.parametrize("data", [None, [], {}, {"runs": 1}, {"runs": [{}]}, {"runs": [None]}])
async def test_json_of_something_else_is_told(remote: Server, data: object) -> None:
    """JSON that is not what was asked for is one line, and not a row of blanks."""
    answer = await remote(lambda _: httpx.Response(200, content=json.dumps(data))).get("runs")
    with pytest.raises(RemoteError, match=r"^http://monitor.test answers with something else than .* alli-monitor\?$"):
        answer.read(Runs)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(401, text="send the token\n"), "answers 401 Unauthorized: send the token"),
        (httpx.Response(403, text="no token\x1b[2J\nis set"), "answers 403 Forbidden: no token\ufffd[2J is set"),
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), "answers 502 Bad Gateway"),
        (httpx.Response(302, headers={"Location": "http://evil.test/"}), "answers 302 Found"),
        (httpx.Response(599), "answers 599"),
        (httpx.Response(400, text="x" * 1000), f"answers 400 Bad Request: {'x' * 300}"),
    ],
)
async def test_a_refusal_is_one_line(remote: Server, answer: httpx.Response, says: str) -> None:
    """What a refusing daemon says is part of the error, printable and short; no redirect is followed."""
    with pytest.raises(RemoteError) as caught:
        await remote(lambda _: answer).get("status")
    assert str(caught.value) == f"{ORIGIN} {says}"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("All connection attempts failed"), "no daemon can be asked at {}: connect error"),
        (httpx.ReadTimeout(""), "{} does not answer within 10 s"),
        (httpx.ReadError(""), "no daemon can be asked at {}: read error"),
        (httpx.DecodingError("bad gzip"), "no daemon can be asked at {}: decoding error"),
    ],
)
async def test_no_answer_is_one_line(remote: Server, error: Exception, says: str) -> None:
    """A daemon that is away, silent or breaks off is told with its address."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(RemoteError) as caught:
        await remote(fail).get("status")
    assert str(caught.value).startswith(says.format(ORIGIN))


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"\xff\xfe", b"a\x00b"])
async def test_a_token_file_that_holds_no_token_is_told(tmp_path: Path, content: bytes) -> None:
    """What cannot be a token is an error that names the file and not what it holds."""
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"token: should hold the token and nothing else$"):
        async with connect(ORIGIN, file):
            pass


async def test_a_missing_token_file_is_told(tmp_path: Path) -> None:
    """A token file that is not there is an error before anything is asked."""
    with pytest.raises(ConfigError, match=r"no such file or directory$"):
        async with connect(ORIGIN, tmp_path / "none"):
            pass


@pytest.mark.parametrize("url", ["http://127.0.0.1:7464", "https://monitor.example/alli/", "http://[::1]:1"])
def test_addresses_of_daemons_are_taken(url: str) -> None:
    """A path is what a proxy puts before ours, and a slash at the end does not matter."""
    assert _check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:7464", "ftp://x", "http://", "http://x:99999", "http://x:0", "http://[", "http://x?a=b",
     "http://user:secret@x", "http://x/\x1b[2J"],
)  # fmt: skip
def test_other_addresses_are_wrong_usage(url: str) -> None:
    """What is no address of a daemon is refused before anything is asked, without repeating a password."""
    with pytest.raises(BadParameter) as caught:
        _check_url(url)
    assert "secret" not in str(caught.value)
