"""A real Prometheus and promtool: what is exported, under which names, and that both take it without complaint."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, settings
from tests.support.daemon import running_daemon
from tests.support.programs import needs
from tests.support.prometheus import running_prometheus
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.service,
    needs("prometheus", "promtool", package="prometheus"),
]

_PROMISED = {
    "alli_conversations_active": ("gauge", {"project", "app"}),
    "alli_runs_running": ("gauge", {"project", "app"}),
    "alli_run_oldest_start_timestamp_seconds": ("gauge", {"project"}),
    "alli_run_duration_seconds": ("histogram", {"project", "app", "outcome"}),
    "alli_run_stops": ("counter", {"project", "app", "result"}),
    "alli_ratings": ("counter", {"project", "app", "by", "value"}),
    "alli_reply_latency_seconds": ("histogram", {"project", "app"}),
    "alli_monitor_build_info": ("gauge", {"version"}),
    "alli_monitor_api_requests": ("counter", {"project", "operation", "code"}),
    "alli_monitor_api_request_duration_seconds": ("histogram", {"project", "operation"}),
    "alli_monitor_poll_last_success_timestamp_seconds": ("gauge", {"project", "poll"}),
    "alli_monitor_poll_duration_seconds": ("histogram", {"project", "poll"}),
    "alli_monitor_blind_seconds": ("counter", {"project"}),
    "alli_monitor_detection_delay_seconds": ("histogram", {"project", "kind"}),
    "alli_monitor_schema_drift": ("counter", {"project", "kind"}),
    "alli_monitor_clock_offset_seconds": ("gauge", {"project"}),
    "alli_monitor_rule_evaluations": ("counter", {"rule"}),
    "alli_monitor_rule_evaluation_failures": ("counter", {"rule"}),
    "alli_monitor_alerts": ("gauge", {"alertname", "state"}),
    "alli_monitor_notifications": ("counter", {"receiver", "integration", "outcome"}),
    "alli_monitor_outbox_pending": ("gauge", {"receiver"}),
    "alli_monitor_outbox_oldest_timestamp_seconds": ("gauge", {"receiver"}),
    "alli_monitor_config_last_reload_successful": ("gauge", set()),
    "alli_monitor_config_last_reload_success_timestamp_seconds": ("gauge", set()),
    "alli_monitor_leader": ("gauge", {"project"}),
}
"""The families that this version promises, counters without their `_total`, with type and labels."""


async def promtool(metrics: str) -> tuple[int, str]:
    """Return the exit code of `promtool check metrics` and all that it says."""
    process = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate(metrics.encode())
    assert process.returncode is not None
    return process.returncode, output.decode()


async def value(http: httpx.AsyncClient, url: str, query: str) -> float | None:
    """Return what Prometheus answers to a query; None when it finds nothing."""
    result: list[dict[str, Any]] = (await http.get(f"{url}/api/v1/query", params={"query": query})).json()["data"][
        "result"
    ]
    return float(result[0]["value"][1]) if result else None


async def test_what_is_exported_is_what_happened(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Prometheus scrapes what happened, under the promised names, types and labels, and promtool has no complaint."""
    over = begin_run(world)
    answered = rated_conversation(world, None)
    apps = [{"match": "Long*", "run_limit": "1h"}, {"match": "*", "run_limit": "2s"}]
    config = settings(api, tmp_path, inbox.receiver, apps=apps)
    async with (
        running_daemon(config, tmp_path) as daemon,
        running_prometheus(urlsplit(daemon.url).netloc, tmp_path) as url,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        world.rate(answered.chats[-1].id, vote=False)
        world.add_chat(answered.id, "USER", "And why?")
        world.add_chat(answered.id, "BOT", "Because.")
        await inbox.arrival("RunOverLimit", "resolved", conversation_id=over.id)
        begin_run(world, "Long one")

        async def scraped(query: str, expected: float) -> None:
            async def look() -> bool:
                return await value(http, url, query) == expected

            await eventually(look, f"{query} is {expected}")

        await scraped('sum(alli_runs_running{project="support", app="Long one"})', 1)
        await scraped('sum(alli_run_stops_total{result="stopped"})', 1)
        await scraped('sum(alli_run_duration_seconds_count{outcome="stopped"})', 1)
        await scraped('sum(alli_ratings_total{by="user", value="negative"})', 1)
        await scraped("alli_monitor_config_last_reload_successful", 1)
        await scraped('time() - min(alli_monitor_poll_last_success_timestamp_seconds{poll="runs"}) < bool 10', 1)
        metrics = (await daemon.get("/metrics")).text
    assert await promtool(metrics) == (0, "")
    families = {family.name: family for family in text_string_to_metric_families(metrics)}
    for name, (kind, labels) in _PROMISED.items():
        assert families[name].type == kind
        for sample in families[name].samples:
            assert sample.labels.keys() - {"le"} == labels, name
    for conversation in (over, answered):
        assert conversation.id not in metrics
