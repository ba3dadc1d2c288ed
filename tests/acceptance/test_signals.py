"""Signals: to end in time, whatever is in flight, and to reload rules, all of them or none."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.world import World
from tests.acceptance.kit import RULES, Inbox, begin_run, settings, write_rules
from tests.support.daemon import TOKEN, Daemon, running_daemon
from tests.support.receivers import SILENCE
from tests.support.waiting import eventually

_ENDS_WITHIN = 10.0
_AT_ONCE = 6.0  # less than what things in flight are given
_NEW_RULE = """
      - alert: RunNoticed
        on: run
        expr: run.age >= duration("0s")
        labels: {severity: info}
"""


async def rule_names(daemon: Daemon) -> list[str]:
    """Return the names of the rules in force."""
    return [rule["alert"] for rule in await daemon.api("rules")]


async def test_sigterm_ends_at_once_when_nothing_is_in_flight(api: str, inbox: Inbox, tmp_path: Path) -> None:
    """On SIGTERM the daemon says that it stops, and ends with code 0."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path, ready=False) as daemon:
        code, took = await daemon.terminate()
    assert (code, took < _AT_ONCE) == (0, True), (code, took)
    assert daemon.events("stopped")


async def test_sigterm_ends_in_time_and_loses_nothing(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """It ends within ten seconds though Alli and a receiver do not answer, and sends again what was not accepted."""
    receiver = inbox.receiver
    receiver["webhook_configs"][0]["timeout"] = "60s"
    config = settings(api, tmp_path, receiver, auto_stop={"mode": "off"})
    config["projects"]["support"]["timeout"] = "60s"
    begin_run(world)
    inbox.replies.append(SILENCE)
    async with running_daemon(config, tmp_path, ready=False) as daemon:
        await inbox.received(1)
        world.set_fault(Fault(kind=FaultKind.SLOW, delay=_ENDS_WITHIN))
        await eventually(lambda: world.record().faults.get("slow"), "a request is held back")
        code, took = await daemon.terminate()
    assert (code, took < _ENDS_WITHIN) == (0, True), (code, took)
    world.clear_faults()
    async with running_daemon(config, tmp_path, ready=False):
        first, again, *_ = await inbox.received(2)
    assert again.body == first.body
    assert again.headers["idempotency-key"] == first.headers["idempotency-key"]


async def test_sighup_loads_rules_all_or_none(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A broken rule file keeps the old rules and says so in a metric; a good one replaces them and is used at once."""
    begin_run(world)
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    async with running_daemon(config, tmp_path) as daemon:

        async def reloaded(value: float) -> None:
            async def look() -> bool:
                return await daemon.metric("alli_monitor_config_last_reload_successful") == value

            await eventually(look, f"the reload is told as {value}")

        old = await rule_names(daemon)
        write_rules(tmp_path, RULES.replace("run.age > run.limit", "run.aeg > run.limit"))
        daemon.hang_up()
        await reloaded(0)
        assert "run.aeg" in str(daemon.events("reload refused; what was in force stays"))
        assert await rule_names(daemon) == old
        write_rules(tmp_path, RULES + _NEW_RULE)
        daemon.hang_up()
        await reloaded(1)
        assert await rule_names(daemon) == [*old, "RunNoticed"]
        await inbox.arrival("RunNoticed")
        write_rules(tmp_path)
        daemon.hang_up()
        await inbox.arrival("RunNoticed", "resolved")


async def test_a_reload_over_http_wants_the_token(api: str, inbox: Inbox, tmp_path: Path) -> None:
    """POST /-/reload is refused without the token, loads with it, and answers with what is wrong with a file."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path, ready=False) as daemon:
        write_rules(tmp_path, RULES + _NEW_RULE)
        for token in (None, "wrong"):
            assert (await daemon.post("/-/reload", token)).status_code == HTTPStatus.UNAUTHORIZED
        assert "RunNoticed" not in await rule_names(daemon)
        assert (await daemon.post("/-/reload", TOKEN)).status_code == HTTPStatus.OK
        assert "RunNoticed" in await rule_names(daemon)
        write_rules(tmp_path, "groups: none")
        refused = await daemon.post("/-/reload", TOKEN)
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "rules.yml:1:" in refused.text
