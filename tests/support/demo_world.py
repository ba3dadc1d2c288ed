"""
The demo's world as dashboards should show it: two projects, a real daemon, and a real Prometheus that scrapes it.

Project `support` stops runs; `sales` has the same history and other traffic, runs that take a little longer than their
limit, and is in shadow. Everything that a healthy demo would never show happens too: answers that fail or do not fit,
a receiver that cannot be reached, one that refuses, and a rule that fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from monitor.clock import SystemClock
from monitor.settings import shipped_rules
from monitor.simulator.loading import load_scenario
from monitor.simulator.scenario import DEMO, AppSpec, FaultSpec, GeneratorSpec, Scenario, ServerSpec
from monitor.simulator.script import build_world
from monitor.simulator.server import serve
from tests.support.daemon import TOKEN, running_daemon
from tests.support.prometheus import running_prometheus
from tests.support.receivers import FakeReceiver, Reply, Request

__all__ = ["APPS", "LIMIT", "PROJECTS", "Scraped", "scraped_demo"]

LIMIT = 6
"""The run limit of all apps, in seconds."""

PROJECTS = ("support", "sales")
"""The projects."""

APPS = ("주간 보고서 작성", "Offers (new)")
"""Two apps that have runs, replies and ratings; their names are a trial for labels and regular expressions."""

_FAILING_RULE = """
groups:
  - name: broken
    rules:
      - alert: AlwaysFails
        on: run
        expr: 1 / (run.chats - run.chats) > 0
"""
_ALWAYS_FIRING = """
groups:
  - name: test
    rules:
      - alert: AlliMonitorOfATest
        expr: vector(1)
        labels: {severity: info}
"""


class Scraped(NamedTuple):
    """Where Prometheus is, and the console of the monitor that it scrapes."""

    prometheus: str
    console: str


class _Refusing(FakeReceiver):
    """A receiver that refuses whatever it is sent."""

    def reply(self, request: Request) -> Reply | str:  # noqa: ARG002 - whatever it is
        return Reply(status=400)


@asynccontextmanager
async def scraped_demo(directory: Path, *, busy: float, stops: int) -> AsyncIterator[Scraped]:
    """
    Run all of it, and yield its addresses.

    What is added to the demo happens within `busy` seconds. `stops` is the budget of each project for an hour.
    """
    alerts = directory / "alerts.yml"
    alerts.write_text(_ALWAYS_FIRING, encoding="utf-8")
    (directory / "failing.yml").write_text(_FAILING_RULE, encoding="utf-8")
    demo = load_scenario(DEMO)
    async with AsyncExitStack() as stack:
        worlds = [build_world(each, SystemClock()) for each in (_support(demo, busy), _sales(demo, busy))]
        apis = [await stack.enter_async_context(serve(world)) for world in worlds]
        good = await stack.enter_async_context(FakeReceiver())
        refusing = await stack.enter_async_context(_Refusing())
        config = _settings(dict(zip(PROJECTS, apis, strict=True)), good.url, refusing.url, stops, directory)
        daemon = await stack.enter_async_context(running_daemon(config, directory))
        target = urlsplit(daemon.url).netloc
        prometheus = await stack.enter_async_context(running_prometheus(target, directory, [alerts]))
        yield Scraped(prometheus, daemon.url)


def _support(demo: Scenario, busy: float) -> Scenario:
    """Return a scenario with more runs to stop, a server that is ahead, and answers that fail or do not fit."""
    hanging = {
        "app": "app-contract",
        "users": ["haruto"],
        "conversations": 24,
        "at": "26s",  # after the run that does not obey, so that there is budget left for that
        "during": f"{busy:.0f}s",
        "runs": [{"share": 1, "kind": "hangs"}],
    }
    faults = [
        {"kind": "bad_row", "at": "5s", "chance": 0.03},
        {"kind": "throttle", "at": "5s", "chance": 0.02},
        {"kind": "error", "status": 503, "at": "38s", "lasts": "9s"},  # long enough to be blind
    ]
    return demo.model_copy(
        update={
            "server": ServerSpec.model_validate({"clock_offset": "1500ms"}),
            "generators": (*demo.generators, GeneratorSpec.model_validate(hanging)),
            "faults": (*demo.faults, *map(FaultSpec.model_validate, faults)),
        }
    )


def _sales(demo: Scenario, busy: float) -> Scenario:
    """Return a scenario with an app more, many of whose runs are over the limit by a little, and with many ratings."""
    rated = {"during": f"{busy:.0f}s", "rated_within": "8s", "negative": 0.3}
    over_the_limit = {"kind": "finishes", "duration": f"{LIMIT * 1600}ms"}
    generators = [
        {
            **rated,
            "app": "app-offers",
            "users": ["mia", "leo", "yui"],
            "conversations": 60,
            "exchanges": 2,
            "rated": 0.6,
            "runs": [{"share": 0.7, **over_the_limit}, {"share": 0.1, "kind": "hangs"}],
        },
        {**rated, "app": "app-report", "users": ["minjun"], "conversations": 40, "rated": 1},
        {"app": "app-support", "users": ["mia"], "at": "-3d", "during": "70h", "conversations": 90},  # counted by day
    ]
    faults = [{"kind": "dropped", "at": "5s", "chance": 0.02, "operations": ["list_conversations"]}]
    return demo.model_copy(
        update={
            "seed": demo.seed + 1,
            "apps": (*demo.apps, AppSpec(id="app-offers", name=APPS[1])),
            "generators": (*demo.generators, *map(GeneratorSpec.model_validate, generators)),
            "faults": tuple(map(FaultSpec.model_validate, faults)),
        }
    )


def _settings(apis: dict[str, str], good: str, refusing: str, stops: int, directory: Path) -> dict[str, Any]:
    modes = dict(zip(PROJECTS, ("enforce", "shadow"), strict=True))
    access = {"api_key": ServerSpec().api_key, "requests_per_minute": 6000, "max_in_flight": 4}
    receivers = [
        {"name": "oncall", "webhook_configs": [{"url": f"{good}/hook"}]},
        {"name": "refusing", "webhook_configs": [{"url": f"{refusing}/hook"}]},
        {"name": "unreachable", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]},
    ]
    return {
        "projects": {
            name: {"base_url": api, **access, "auto_stop": {"mode": modes[name]}} for name, api in apis.items()
        },
        "apps": [{"match": "*", "run_limit": f"{LIMIT}s"}],
        "polling": {
            "runs": "2s",
            "conversations": "2s",
            "daily_count": "15s",
            "evaluation": "2s",
            "ratings": [{"younger_than": "3h", "every": "2s"}, {"younger_than": "24h", "every": "10s"}],
        },
        "rule_files": [*map(str, shipped_rules()), str(directory / "failing.yml")],
        "auto_stop": {
            "apps": ["*"],
            "budget": {"per_hour": stops, "per_app_per_hour": stops},
            "cooldown": "1s",
            "verify_within": "3s",
        },
        "alerting": {
            "route": {
                "receiver": "oncall",
                "group_wait": "500ms",
                "group_interval": "1s",
                "routes": [{"receiver": each["name"], "continue": True} for each in receivers],
            },
            "receivers": receivers,
        },
        "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
        "web": {"listen": "127.0.0.1:0", "token": TOKEN},
        "log": {"format": "json"},
    }
