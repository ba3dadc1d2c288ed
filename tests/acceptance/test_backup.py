"""A backup while the daemon works: a second daemon on the copy knows what the first one knew."""

from __future__ import annotations

import math
from pathlib import Path

from monitor.simulator.entities import RunPlan
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, rounds, settings
from tests.support.daemon import Daemon, run_command, running_daemon, write_config
from tests.support.waiting import eventually


async def firing(daemon: Daemon) -> dict[str, str]:
    """Return when each alert that fires began to, by fingerprint."""
    alerts = await daemon.api("alerts")
    return {alert["fingerprint"]: alert["fired_at"] for alert in alerts if alert["state"] == "firing"}


async def test_a_second_daemon_goes_on_from_a_backup(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """`backup` beside a daemon at work makes a database with the same runs and alerts, told by nobody a second time."""
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off"})
    conversation = begin_run(world, plan=RunPlan(stop_lag=math.inf))
    rated = rated_conversation(world, None)
    copy = tmp_path / "copy" / "monitor.db"
    copy.parent.mkdir()
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("RunOverLimit")
        world.rate(rated.chats[-1].id, vote=False)
        await inbox.arrival("NegativeRating")
        known, [run] = await firing(daemon), await daemon.api("runs")
        made = await run_command("backup", copy, "--config", tmp_path / "monitor.yml")
        assert (made.code, made.stderr) == (0, "")
        assert made.stdout.startswith(f"{copy}: ")
        assert made.stdout.rstrip().endswith("; verified.")
        again = await run_command("backup", copy, "--config", tmp_path / "monitor.yml")
        assert (again.code, again.stderr) == (1, f"error: {copy} exists; --force overwrites it\n")
        await rounds(world, 3)
    told = len(inbox.told)
    restored = {**config, "storage": {"url": f"sqlite:///{copy}"}}
    async with running_daemon(restored, copy.parent) as daemon:
        await rounds(world, 3)
        assert await firing(daemon) == known
        [same] = await daemon.api("runs")
        assert (same["run_id"], same["began_at"]) == (run["run_id"], run["began_at"])
        assert len(inbox.told) == told, [each.alertname for each in inbox.told[told:]]
        world.finish_run(conversation.id)
        await inbox.arrival("RunOverLimit", "resolved")
        await eventually(lambda: len(inbox.about("BaselineRecorded")) == 1, "the baseline is told once")


async def test_there_is_nothing_to_back_up(api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Before the daemon first ran, the command says that there is no database, and makes no file."""
    file = write_config(settings(api, tmp_path, inbox.receiver), tmp_path)
    made = await run_command("backup", tmp_path / "copy.db", "--config", file)
    assert (made.code, made.stdout) == (1, "")
    assert (
        made.stderr == f"error: there is no database {tmp_path}/monitor.db; the daemon makes it when it first starts\n"
    )
    assert not (tmp_path / "copy.db").exists()
