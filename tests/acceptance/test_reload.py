"""A reload of the whole configuration by the real daemon: all or nothing, and nothing known is lost."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import KEY, Inbox, begin_run, rounds, settings
from tests.support.daemon import TOKEN, Daemon, running_daemon, write_config

_OTHER_KEY = "another-key"


@pytest.fixture
async def sales() -> AsyncIterator[tuple[World, dict[str, Any]]]:
    """Provide a second simulated project, and the section of the configuration that watches it."""
    world = World(SystemClock())
    async with serve(world) as url:
        yield world, {"base_url": url, "api_key": KEY, "requests_per_minute": 6000}


async def reload(daemon: Daemon, config: dict[str, Any], directory: Path) -> tuple[int, str]:
    """Let the daemon load this configuration, and return what it answers."""
    write_config(config, directory)
    answer = await daemon.post("/-/reload", TOKEN)
    return answer.status_code, answer.text


async def test_projects_are_added_and_removed_without_a_restart(
    world: World, sales: tuple[World, dict[str, Any]], api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """A project that is added is watched at once; one that is removed is asked no more, and its alerts resolve."""
    other, section = sales
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    begin_run(world)
    async with running_daemon(config, tmp_path) as daemon:
        first = await inbox.arrival("RunOpen", project="support")
        both = copy.deepcopy(config)
        both["projects"]["sales"] = section
        begin_run(other)
        assert await reload(daemon, both, tmp_path) == (HTTPStatus.OK, "reloaded\n")
        await inbox.arrival("RunOpen", project="sales")
        del both["projects"]["support"]
        assert (await reload(daemon, both, tmp_path))[0] == HTTPStatus.OK
        ended = await inbox.arrival("RunOpen", "resolved", project="support")
        assert ended.fingerprint == first.fingerprint
        asked = world.record().requests["list_conversations"]
        await rounds(other, 5)
        assert world.record().requests["list_conversations"] == asked
        assert [(e["added"], e["removed"]) for e in daemon.events("reloaded")] == [(["sales"], []), ([], ["support"])]
        assert await daemon.metric("alli_monitor_leader") == 1
        metrics = (await daemon.get("/metrics")).text
        assert 'project="sales"' in metrics
        assert 'project="support"' not in metrics


async def test_what_is_known_of_a_project_survives_its_change(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """Another key, other intervals and another limit take effect at once, and the run keeps its identity and age."""
    config = settings(
        api, tmp_path, inbox.receiver, auto_stop={"mode": "off"}, apps=[{"match": "*", "run_limit": "1h"}]
    )
    begin_run(world)
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("RunOpen")
        [before] = await daemon.api("runs")
        config["apps"] = [{"match": "*", "run_limit": "1s"}]
        config["projects"]["support"]["requests_per_minute"] = 3000
        config["polling"]["runs"] = "200ms"
        assert (await reload(daemon, config, tmp_path))[0] == HTTPStatus.OK
        await inbox.arrival("RunOverLimit")
        [after] = await daemon.api("runs")
        assert (after["run_id"], after["began_at"]) == (before["run_id"], before["began_at"])
        assert not inbox.about("RunOpen", "resolved")


async def test_a_bad_configuration_changes_nothing(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """One error refuses the whole: what needs a restart and what is wrong is said, and everything goes on as it was."""
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    begin_run(world)
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("RunOpen")
        wrong = copy.deepcopy(config)
        wrong["projects"]["sales"] = {"base_url": api, "api_key": KEY}
        wrong["poling"] = {}
        status, text = await reload(daemon, wrong, tmp_path)
        assert status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "poling: unknown key; did you mean polling?" in text
        moved = copy.deepcopy(config)
        moved["storage"]["url"] = f"sqlite:///{tmp_path / 'other.db'}"
        status, text = await reload(daemon, moved, tmp_path)
        assert (status, text) == (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "storage.url: a reload cannot change this; restart instead\n",
        )
        assert await daemon.metric("alli_monitor_config_last_reload_successful") == 0
        await rounds(world, 3)
        assert not inbox.about("RunOpen", "resolved")
        assert (await reload(daemon, config, tmp_path))[0] == HTTPStatus.OK
        assert await daemon.metric("alli_monitor_config_last_reload_successful") == 1


async def test_a_new_receiver_is_told_what_fires(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """What fires when a route or receiver is added is told there once, and its end is told to old and new."""
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    conversation = begin_run(world)
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(Inbox())
        daemon = await stack.enter_async_context(running_daemon(config, tmp_path))
        await inbox.arrival("RunOpen")
        config["alerting"]["receivers"].append({**second.receiver, "name": "second"})
        config["alerting"]["route"]["routes"].insert(
            0, {"matchers": ['alertname="RunOpen"'], "receiver": "second", "continue": True}
        )
        assert (await reload(daemon, config, tmp_path))[0] == HTTPStatus.OK
        await second.arrival("RunOpen")
        world.finish_run(conversation.id)
        await second.arrival("RunOpen", "resolved")
        await inbox.arrival("RunOpen", "resolved")
        assert len(second.about("RunOpen", "firing")) == 1


async def test_a_new_token_of_the_console_holds_at_once(api: str, inbox: Inbox, tmp_path: Path) -> None:
    """After a reload the old token is refused and the new one taken; secrets can be replaced without a restart."""
    config = settings(api, tmp_path, inbox.receiver)
    async with running_daemon(config, tmp_path, ready=False) as daemon:
        config["web"]["token"] = _OTHER_KEY
        assert (await reload(daemon, config, tmp_path))[0] == HTTPStatus.OK
        assert (await daemon.post("/-/reload", TOKEN)).status_code == HTTPStatus.UNAUTHORIZED
        assert (await daemon.post("/-/reload", _OTHER_KEY)).status_code == HTTPStatus.OK


async def test_a_key_that_was_replaced_is_used_at_once(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A project with a refused key is alerted on; a reload with the right one resolves that within a poll."""
    config = settings(api, tmp_path, inbox.receiver)
    config["projects"]["support"]["api_key"] = "wrong"
    async with running_daemon(config, tmp_path, ready=False) as daemon:
        await inbox.arrival("MonitorApiAuth")
        config["projects"]["support"]["api_key"] = KEY
        assert (await reload(daemon, config, tmp_path))[0] == HTTPStatus.OK
        await inbox.arrival("MonitorApiAuth", "resolved")
        await rounds(world, 2)
