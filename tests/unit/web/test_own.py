"""Metrics, probes and reload."""

from __future__ import annotations

import re

import httpx
import pytest

from monitor.errors import ConfigError, ConfigErrors
from tests.support.build import APP, alert, change, run, stop
from tests.unit.web.conftest import TOKEN, Browser, FakeDaemon

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


async def test_metrics_are_plain_text_by_default(web: httpx.AsyncClient) -> None:
    """A scraper that does not ask for more gets Prometheus's text format, without a redirect."""
    answer = await web.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "\nalli_monitor_build_info{" in answer.text


async def test_metrics_are_openmetrics_on_request(web: httpx.AsyncClient) -> None:
    """A scraper that accepts OpenMetrics gets it, complete to its end mark."""
    answer = await web.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "\nalli_monitor_build_info{" in answer.text
    assert answer.text.endswith("# EOF\n")


async def test_a_senseless_accept_header_gets_plain_metrics(web: httpx.AsyncClient) -> None:
    """A version that is none does not break the scrape."""
    answer = await web.get("/metrics", headers={"Accept": "application/openmetrics-text; version=latest"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_metrics_carry_no_ids(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Whatever the database holds, no id of a conversation, chat, run or user is in the metrics."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run()])
        await tx.alerts.put([alert()])
        await tx.ratings.record_changes([change()])
        await tx.stops.add(stop())
    daemon.metrics.ratings.labels("support", daemon.metrics.app("support", APP), "user", "negative").inc()
    text = (await web.get("/metrics")).text
    assert "Report writer" in text
    assert not re.search(r"\b(c1|chat-1|run-1|user-1)\b", text)


async def test_nothing_stands_below_metrics(web: httpx.AsyncClient) -> None:
    """A slash too many is a wrong path, not a redirect."""
    assert (await web.get("/metrics/")).status_code == 404


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_probes_say_yes_while_all_is_well(web: httpx.AsyncClient, path: str) -> None:
    """Both probes answer 200 for a daemon that works and has looked at everything once."""
    answer = await web.get(path)
    assert (answer.status_code, answer.text) == (200, path.removeprefix("/-/") + "\n")


async def test_a_stuck_daemon_is_not_healthy(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The liveness probe fails with the reason, and readiness is another matter."""
    daemon.stuck = "no cycle has ended for 10 minutes"
    answer = await web.get("/-/healthy")
    assert (answer.status_code, answer.text) == (503, "no cycle has ended for 10 minutes\n")
    assert (await web.get("/-/ready")).status_code == 200


async def test_a_daemon_that_has_not_looked_yet_is_not_ready(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The readiness probe fails with what is missing, and health is another matter."""
    daemon.missing = "not attempted yet: support ratings"
    answer = await web.get("/-/ready")
    assert (answer.status_code, answer.text) == (503, "not attempted yet: support ratings\n")
    assert (await web.get("/-/healthy")).status_code == 200


async def test_a_reload_that_fails_says_what_to_change(browse: Browser, daemon: FakeDaemon) -> None:
    """Every error in the configuration comes back as text, one a line."""
    daemon.reload_error = ConfigErrors([ConfigError("first", line=3), ConfigError("second")])
    answer = await browse(token=TOKEN).post("/-/reload", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.text) == (422, "3: first\nsecond\n")


async def test_a_reload_is_not_a_link(browse: Browser, daemon: FakeDaemon) -> None:
    """A GET does not reload, so nothing that follows links can."""
    assert (await browse(token=TOKEN).get("/-/reload")).status_code == 405
    assert daemon.reloads == 0
