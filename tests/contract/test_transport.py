from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from monitor.alli.transport import http_client
from monitor.errors import ConfigError
from monitor.settings import HttpConfig
from tests.support.tls import Server, proxy, server

NAME = "alli.example"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine of the tests says about proxies and authorities."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """Return an authority of our own, whose certificate is in ca.pem."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


@pytest.fixture
def client_files(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a client certificate for the organization `monitor`."""
    made = authority.issue_cert("monitor", organization_name="monitor")
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}


def serving(authority: trustme.CA, *, demanding: bool = False) -> ssl.SSLContext:
    """Return how a server of the name NAME, not of any address, presents itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    if demanding:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
async def alli(authority: trustme.CA) -> AsyncIterator[Server]:
    """Return a TLS server of the name NAME that our authority vouches for."""
    async with server(serving(authority)) as running:
        yield running


def config(tmp_path: Path, *, trusting: bool = True, **keys: Any) -> HttpConfig:
    """Return an `http_config` that trusts our authority, with `keys` of `tls_config`."""
    tls = {"ca_file": str(tmp_path / "ca.pem"), **keys} if trusting else keys
    return HttpConfig.model_validate({"tls_config": tls})


async def ask(config: HttpConfig, url: str) -> str:
    """Return the body of what is answered."""
    async with http_client(config) as client:
        return (await client.get(url)).text


async def test_trusts_the_authorities_of_ca_file(alli: Server, tmp_path: Path) -> None:
    """A server whose authority stands in `ca_file` is talked to; without the file it is not."""
    url = f"https://127.0.0.1:{alli.port}/"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(config(tmp_path, trusting=False, server_name=NAME), url)
    assert await ask(config(tmp_path, server_name=NAME), url) == "ok"
    assert alli.asked == ["GET / HTTP/1.1"]


async def test_trusts_the_authorities_of_the_environment(
    alli: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `ca_file` the authorities are those that SSL_CERT_FILE names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    url = f"https://127.0.0.1:{alli.port}/"
    assert await ask(config(tmp_path, trusting=False, server_name=NAME), url) == "ok"


async def test_checks_the_name_of_the_server(alli: Server, tmp_path: Path) -> None:
    """A certificate for another name than that of the address, or than `server_name`, is refused."""
    url = f"https://127.0.0.1:{alli.port}/"
    with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
        await ask(config(tmp_path), url)
    with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
        await ask(config(tmp_path, server_name="other.example"), url)


async def test_does_not_check_when_told_so(alli: Server, tmp_path: Path) -> None:
    """With `insecure_skip_verify` neither authority nor name count."""
    url = f"https://127.0.0.1:{alli.port}/"
    assert await ask(config(tmp_path, trusting=False, insecure_skip_verify=True), url) == "ok"


async def test_shows_its_certificate_to_who_demands_one(
    authority: trustme.CA, client_files: dict[str, Any], tmp_path: Path
) -> None:
    """A server that demands a client certificate gets the one of `cert_file`, and refuses a client without."""
    async with server(serving(authority, demanding=True)) as alli:
        url = f"https://127.0.0.1:{alli.port}/"
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
            await ask(config(tmp_path, server_name=NAME), url)
        assert await ask(config(tmp_path, server_name=NAME, **client_files), url) == "ok"
    assert alli.clients == ["monitor"]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_tunnels_through_the_proxy(alli: Server, authority: trustme.CA, tmp_path: Path, scheme: str) -> None:
    """TLS to a host that only the proxy knows goes through its tunnel, in TLS to the proxy itself where it asks so."""
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    async with proxy(alli.port, context) as middle:
        keys = {"ca_file": str(tmp_path / "ca.pem")}
        url = f"{scheme}://user:pass@localhost:{middle.port}"
        settings = HttpConfig.model_validate({"proxy_url": url, "tls_config": keys})
        assert await ask(settings, f"https://{NAME}/x") == "ok"
    assert middle.asked == [f"CONNECT {NAME}:443 HTTP/1.1"]
    assert middle.credentials == ["Basic dXNlcjpwYXNz"]
    assert alli.asked == ["GET /x HTTP/1.1"]


async def test_asks_for_the_server_name_in_a_tunnel(alli: Server, tmp_path: Path) -> None:
    """`server_name` is what the certificate is checked against behind a proxy, too."""
    async with proxy(alli.port) as middle:
        keys = {"ca_file": str(tmp_path / "ca.pem"), "server_name": NAME}
        settings = HttpConfig.model_validate({"proxy_url": f"http://127.0.0.1:{middle.port}", "tls_config": keys})
        assert await ask(settings, "https://192.0.2.1/") == "ok"
    assert middle.asked == ["CONNECT 192.0.2.1:443 HTTP/1.1"]


async def test_asks_the_proxy_for_plain_http(alli: Server) -> None:
    """What is not TLS is asked of the proxy by its whole address, even if that is of this machine."""
    async with proxy(alli.port) as middle:
        settings = HttpConfig.model_validate({"proxy_url": f"http://127.0.0.1:{middle.port}"})
        assert await ask(settings, "http://127.0.0.1:9/x") == "ok"
    assert middle.asked == ["GET http://127.0.0.1:9/x HTTP/1.1"]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_uses_the_proxy_of_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `proxy_url` the proxy is the one of the environment, except for names in NO_PROXY and this machine."""
    async with server() as direct, proxy(direct.port) as middle:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{middle.port}")
        assert await ask(HttpConfig(), f"http://{NAME}/x") == "ok"
        assert await ask(HttpConfig(), f"http://127.0.0.1:{direct.port}/y") == "ok"
        monkeypatch.setenv("NO_PROXY", "127.0.0.2")
        assert await ask(HttpConfig(), f"http://localhost:{direct.port}/z") == "ok"
    assert middle.asked == [f"GET http://{NAME}/x HTTP/1.1"]
    assert direct.asked == ["GET /y HTTP/1.1", "GET /z HTTP/1.1"]


async def test_leaves_the_environment_alone_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`proxy_url`, and `proxy_from_environment: false`, win over a proxy of the environment."""
    async with server() as direct, proxy(direct.port) as middle:
        monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
        settings = HttpConfig.model_validate({"proxy_url": f"http://127.0.0.1:{middle.port}"})
        assert await ask(settings, f"http://{NAME}/") == "ok"
        settings = HttpConfig.model_validate({"proxy_from_environment": False})
        assert await ask(settings, f"http://127.1:{direct.port}/") == "ok"  # not in the form that is no proxy's anyway
    assert (len(middle.asked), len(direct.asked)) == (1, 1)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://me:s3cr3t@127.0.0.1:1"),
        ("HTTPS_PROXY", "ftp://me:s3cr3t@127.0.0.1:1"),
        ("HTTP_PROXY", "http://me:s3cr3t@127.0.0.1:1x"),
    ],
)
def test_says_which_proxies_it_cannot_use(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment that is none for HTTP is refused with what to do, and without its password."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match="proxy_from_environment") as caught:
        http_client(HttpConfig())
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_file_that_changed_is_told(authority: trustme.CA, tmp_path: Path) -> None:
    """A file that was good when the settings were loaded and is not any more is an error of the configuration."""
    settings = config(tmp_path)
    (tmp_path / "ca.pem").write_text("gone")
    with pytest.raises(ConfigError, match="changed"):
        http_client(settings)


async def test_keeps_no_cookies() -> None:
    """What one answer sets is not sent with the next request."""
    async with server() as running, http_client(HttpConfig()) as client:
        await client.get(f"http://127.0.0.1:{running.port}/")
        assert not client.cookies
