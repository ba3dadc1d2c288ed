"""Who may ask what."""

from __future__ import annotations

import base64

import pytest

from tests.unit.web.conftest import TOKEN, Browser, FakeDaemon

READABLE = ["/", "/c/support/c1", "/api/v1/status", "/api/v1/alerts", "/api/v1/rules", "/static/console.css"]
OPEN = ["/metrics", "/-/healthy", "/-/ready"]
EVERYWHERE = "0.0.0.0:7464"
REMOTE = "http://monitor.example:7464"


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", [path for path in READABLE if not path.startswith("/c/")])
async def test_reading_needs_no_token_on_loopback(browse: Browser, path: str) -> None:
    """On a loopback address whoever can connect may read, even where a token is configured."""
    assert (await browse(token=TOKEN).get(path)).status_code == 200


@pytest.mark.parametrize("path", READABLE)
async def test_reading_from_elsewhere_without_a_configured_token_is_refused(browse: Browser, path: str) -> None:
    """On another address, nobody may read before a token is configured, and the answer says what to set."""
    answer = await browse(REMOTE, listen=EVERYWHERE).get(path, headers=_bearer("anything"))
    assert answer.status_code == 403
    assert "web.token_file" in answer.text


@pytest.mark.parametrize("headers", [_bearer(TOKEN), _basic("anybody", TOKEN), _basic("", TOKEN)])
async def test_the_token_opens_reading_from_elsewhere(browse: Browser, headers: dict[str, str]) -> None:
    """On another address, the token lets in as a bearer token and as the password of any user."""
    answer = await browse(REMOTE, listen=EVERYWHERE, token=TOKEN).get("/", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        _bearer("wrong"),
        _bearer(""),
        _basic(TOKEN, "wrong"),
        {"Authorization": "Basic %%%"},
        {"Authorization": b"Basic \xff\xfe"},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
async def test_without_the_right_token_a_browser_is_asked_for_it(browse: Browser, headers: dict[str, str]) -> None:
    """A missing, wrong or unreadable token is answered with 401 and a challenge that makes browsers ask."""
    answer = await browse(REMOTE, listen=EVERYWHERE, token=TOKEN).get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", OPEN)
async def test_metrics_and_probes_are_open_everywhere(browse: Browser, path: str) -> None:
    """Metrics and the two probes need no token on any address."""
    assert (await browse(REMOTE, listen=EVERYWHERE, token=TOKEN).get(path)).status_code == 200


@pytest.mark.parametrize("listen", ["127.0.0.1:7464", EVERYWHERE])
async def test_what_changes_state_is_refused_without_a_configured_token(
    browse: Browser, daemon: FakeDaemon, listen: str
) -> None:
    """Nothing can be changed before a token is configured, not even from this machine."""
    answer = await browse(listen=listen).post("/-/reload", headers=_bearer("None"))
    assert (answer.status_code, daemon.reloads) == (403, 0)
    assert "web.token_file" in answer.text


async def test_what_changes_state_needs_the_token_on_loopback(browse: Browser, daemon: FakeDaemon) -> None:
    """From this machine too, only the token lets change state."""
    web = browse(token=TOKEN)
    assert (await web.post("/-/reload")).status_code == 401
    assert daemon.reloads == 0
    assert (await web.post("/-/reload", headers=_bearer(TOKEN))).status_code == 200
    assert daemon.reloads == 1


@pytest.mark.parametrize("path", [*OPEN, "/"])
async def test_open_paths_are_open_for_reading_only(browse: Browser, path: str) -> None:
    """A POST wants the token whatever its path."""
    assert (await browse(token=TOKEN).post(path)).status_code == 401


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:7464", "http://localhost:9999", "http://[::1]:7464", "http://127.8.8.8"]
)
async def test_names_of_this_machine_are_served_on_loopback(browse: Browser, base_url: str) -> None:
    """Every name of the loopback interface is answered, whatever the port in front of us."""
    assert (await browse(base_url).get("/")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:7464", "127.0.0.1.evil.example", "[::1", "", "192.0.2.1:7464"])
async def test_a_foreign_name_is_refused_on_loopback(browse: Browser, host: str) -> None:
    """A page that let its own name point here (DNS rebinding) reads nothing, not even metrics."""
    for path in ("/", "/api/v1/status", "/metrics"):
        answer = await browse().get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "web.external_url" in answer.text


async def test_the_external_name_is_served_on_loopback(browse: Browser) -> None:
    """Behind a proxy, the host of external_url is one of our names."""
    web = browse("https://monitor.example", external_url="https://monitor.example/alli")
    assert (await web.get("/")).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8000", "null", "http://[::1"])
async def test_a_page_of_another_origin_changes_nothing(browse: Browser, daemon: FakeDaemon, origin: str) -> None:
    """A browser that sends the right password with another page's request is refused."""
    answer = await browse(token=TOKEN).post("/-/reload", headers={**_basic("me", TOKEN), "Origin": origin})
    assert (answer.status_code, daemon.reloads) == (403, 0)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:7464", "https://monitor.example"])
async def test_our_own_pages_may_change_state(browse: Browser, daemon: FakeDaemon, origin: str) -> None:
    """A request from our own origin, or that of external_url, passes with the token."""
    web = browse(token=TOKEN, external_url="https://monitor.example")
    await web.post("/-/reload", headers={**_bearer(TOKEN), "Origin": origin})
    assert daemon.reloads == 1


@pytest.mark.parametrize("path", ["/", "/nowhere", "/metrics", "/api/v1/status"])
async def test_every_answer_carries_the_security_headers(browse: Browser, path: str) -> None:
    """Every answer forbids foreign and inline scripts, framing, sniffing, referrers and caching."""
    headers = (await browse().get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


async def test_a_refusal_carries_the_security_headers(browse: Browser) -> None:
    """What is refused before any endpoint is protected like the rest."""
    answer = await browse().get("/", headers={"Host": "evil.example"})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_assets_are_asked_for_again_after_an_upgrade(browse: Browser) -> None:
    """Styles and scripts may be kept by a browser, but are checked for changes each time."""
    assert (await browse().get("/static/console.js")).headers["Cache-Control"] == "no-cache"
