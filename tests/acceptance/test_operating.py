"""Looking at a running daemon, and steering it, from the command line."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.entities import RunPlan
from monitor.simulator.record import StopEffect
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, rounds, settings
from tests.support.daemon import TOKEN, Daemon, Outcome, command, run_command, running_daemon
from tests.support.waiting import eventually

OFF = {"mode": "off"}


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """Provide a file with the right token."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    return file


async def asked(daemon: Daemon, *arguments: str | Path) -> str:
    """Run a command against the daemon, and return what it printed; it has to succeed."""
    outcome = await run_command(*arguments, "--url", daemon.url)
    assert outcome.code == 0, outcome
    assert outcome.stderr == ""
    return outcome.stdout


async def asked_json(daemon: Daemon, *arguments: str | Path) -> Any:
    """Run a command against the daemon, and return the JSON that it printed."""
    return json.loads(await asked(daemon, *arguments, "--output", "json"))


async def stop(daemon: Daemon, conversation_id: str, *arguments: str | Path) -> Outcome:
    """Ask for a stop by hand, and return how that ended."""
    return await run_command("stop", conversation_id, *arguments, "--url", daemon.url)


@asynccontextmanager
async def somebody_else(answer: bytes) -> AsyncIterator[str]:
    """Yield the address of a server that says the same to everybody."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_each_command_shows_what_goes_on(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Runs, ratings, alerts, stops and the daemon itself are shown as tables and as the API's JSON."""
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "shadow"})
    async with running_daemon(config, tmp_path) as daemon:
        conversation, rated = begin_run(world, "보고서 작성"), rated_conversation(world, None)
        await rounds(world, 3)
        world.rate(rated.chats[-1].id, False)
        await inbox.arrival("NegativeRating")
        await inbox.arrival("RunOverLimit", action="shadow")
        tables = {name: await asked(daemon, name) for name in ("status", "alerts", "runs", "ratings", "actions")}
        data = {name: await asked_json(daemon, name) for name in tables}
        show = await asked(daemon, "show", conversation.id)
        shown = await asked_json(daemon, "show", conversation.id)
        narrowed = await asked_json(daemon, "runs", "--project", "support", "--limit", "1")
    assert "support" in tables["status"]
    assert "보고서 작성" in tables["runs"]
    assert conversation.id in tables["runs"]
    assert "RunOverLimit" in tables["alerts"]
    assert "shadow" in tables["actions"]
    assert "negative" in tables["ratings"]
    assert rated.id in tables["ratings"]
    assert data["status"]["projects"][0]["name"] == "support"
    assert [run["conversation_id"] for run in data["runs"]["runs"]] == [conversation.id]
    assert [each["value"] for each in data["ratings"]["ratings"]] == ["negative"]
    assert [each["result"] for each in data["actions"]["actions"]] == ["shadow"]
    assert {"RunOverLimit", "NegativeRating"} <= {each["alertname"] for each in data["alerts"]["alerts"]}
    assert len(narrowed["runs"]) == 1
    link = f"{daemon.url}/c/support/"
    assert shown["links"][0].startswith(link)
    assert {"runs", "alerts", "ratings", "actions", "audit"} <= shown.keys()
    assert link in show
    for word in ("running", "RunOverLimit", "shadow"):
        assert word in show


async def test_what_is_resolved_is_shown_on_request(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """`alerts` shows what is open, `alerts --all` also what is over."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver, auto_stop=OFF), tmp_path) as daemon:
        conversation = begin_run(world)
        await inbox.arrival("RunOpen")
        world.finish_run(conversation.id)
        await inbox.arrival("RunOpen", "resolved")
        narrowed = ("--project", "support")
        assert "RunOpen" not in await asked(daemon, "alerts", *narrowed)
        assert "RunOpen" in await asked(daemon, "alerts", *narrowed, "--all")


async def test_watch_shows_it_again_until_it_is_ended(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """`--watch` prints the answer again and again, waits for a daemon that is away, and ends well on Ctrl-C."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        process = await asyncio.create_subprocess_exec(
            *command("runs", "--watch", "--output", "json", "--url", daemon.url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        rounds_seen = [json.loads(await process.stdout.readline()) for _ in range(2)]
    away = await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert all("runs" in each for each in rounds_seen)
    assert away.startswith(b"error: no daemon can be asked at ")


async def test_the_brake_is_in_the_status(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """`status` says who paused automatic stops and which conversation is protected, until when."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        config = ("--config", tmp_path / "monitor.yml")
        await run_command("autostop", "pause", *config)
        await run_command("protect", "c1", "--until", "2100-01-01T00:00Z", *config)
        table = " ".join((await asked(daemon, "status")).split())
        brakes = (await asked_json(daemon, "status"))["brakes"]
    assert "Automatic stops are paused for every app until resumed, by " in table
    assert "Conversation c1 is protected from automatic stops until 2100-01-01 00:00:00 UTC, by " in table
    assert [each["kind"] for each in brakes] == ["pause", "protect"]


async def test_no_daemon_is_one_clear_line(tmp_path: Path) -> None:
    """Where nothing listens, every command ends with one line and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for arguments in (["status"], ["show", "c1"], ["stop", "c1"], ["runs", "--output", "json"]):
        outcome = await run_command(*arguments, "--url", f"http://127.0.0.1:{port}")
        assert (outcome.code, outcome.stdout) == (1, ""), outcome
        assert outcome.stderr.startswith(f"error: no daemon can be asked at http://127.0.0.1:{port}: ")
        assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "does not answer with JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "answers with something else"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no daemon can be asked at"),
        (b"", "no daemon can be asked at"),
    ],
)
async def test_another_server_is_one_clear_line(answer: bytes, says: str) -> None:
    """What is no daemon is told as such, whatever it says."""
    async with somebody_else(answer) as url:
        outcome = await run_command("status", "--url", url)
    assert outcome.code == 1
    assert says in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["status", "--url", "nowhere"], ["runs", "--limit", "0"], ["runs", "--output", "xml"], ["show"], ["stop"]],
)
async def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    """What cannot be meant is refused before any daemon is asked."""
    assert (await run_command(*arguments)).code == 2


async def test_the_token_is_wanted_for_stops(world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path) -> None:
    """Without the token, with a wrong one, and where none is configured, nothing is stopped and it is said why."""
    conversation = begin_run(world)
    wrong = tmp_path / "wrong"
    wrong.write_text("guessed", encoding="utf-8")
    async with running_daemon(settings(api, tmp_path, inbox.receiver, auto_stop=OFF), tmp_path) as daemon:
        refused = [await stop(daemon, conversation.id), await stop(daemon, conversation.id, "--token-file", wrong)]
    unset = settings(api, tmp_path, inbox.receiver, auto_stop=OFF, web={"token": None})
    async with running_daemon(unset, tmp_path) as daemon:
        refused.append(await stop(daemon, conversation.id, "--token-file", token))
        assert not await daemon.api("actions")
    assert [each.code for each in refused] == [1, 1, 1]
    assert ["401" in each.stderr for each in refused] == [True, True, False]
    assert all("web.token_file" in each.stderr and each.stderr.count("\n") == 1 for each in refused)
    assert world.record().stops == ()


async def test_a_run_that_nothing_may_stop_is_stopped_by_hand(
    world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path
) -> None:
    """In mode off, for an app that is not listed and protected: stopped exactly once, verified, and in the audit."""
    async with running_daemon(
        settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off", "apps": ["Other"]}), tmp_path
    ) as daemon:
        conversation = begin_run(world)
        await run_command("protect", conversation.id, "--until", "1h", "--config", tmp_path / "monitor.yml")
        await eventually(lambda: daemon.api("runs"), "the run is known")
        outcome = await stop(daemon, conversation.id, "--token-file", token)
        again = await stop(daemon, conversation.id, "--token-file", token)
        shown = await asked_json(daemon, "show", conversation.id)
        await rounds(world, 5)
    assert outcome.code == 0, outcome
    requested, stopped = outcome.stdout.splitlines()
    assert requested.startswith("requested: stop ")
    assert stopped.startswith("stopped: ")
    assert "is protected from automatic stops" in outcome.stderr
    assert [each.effect for each in world.record().stops] == [StopEffect.STOPPED]
    assert (shown["actions"][0]["mode"], shown["runs"][0]["outcome"]) == ("manual", "stopped")
    audit = {line["what"]: line["detail"] for line in shown["audit"]}
    assert audit["intended"] == f"asked for by {shown['actions'][0]['asked_by']}"
    assert (again.code, "409" in again.stderr) == (1, True), again


async def test_a_stop_need_not_be_waited_for(world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path) -> None:
    """`--no-wait` ends when the wish is on disk, and `--within` when there is still no outcome then."""
    conversation = begin_run(world, plan=RunPlan(stop_lag=30.0))
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off", "verify_within": "1m"})
    async with running_daemon(config, tmp_path) as daemon:
        await eventually(lambda: daemon.api("runs"), "the run is known")
        begun = await stop(daemon, conversation.id, "--token-file", token, "--no-wait")
        await eventually(lambda: world.record().stops, "the stop arrives")
        waited = await stop(daemon, conversation.id, "--token-file", token, "--within", "1s")
        await rounds(world, 3)
    assert (begun.code, begun.stdout.count("\n"), begun.stderr) == (0, 1, "")
    assert waited.code == 1
    assert waited.stderr.startswith("error: the outcome of stop ")
    assert len(world.record().stops) == 1


async def test_a_stop_that_is_ignored_is_told_so(
    world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path
) -> None:
    """A run that goes on after the stop makes the command fail, and a person is called."""
    conversation = begin_run(world, plan=RunPlan(stop_lag=3600.0))
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "off", "verify_within": "1s"})
    async with running_daemon(config, tmp_path) as daemon:
        await eventually(lambda: daemon.api("runs"), "the run is known")
        outcome = await stop(daemon, conversation.id, "--token-file", token)
        await inbox.arrival("StopIneffective", conversation_id=conversation.id)
    assert outcome.code == 1
    assert "ineffective: it was asked to end, and goes on" in outcome.stdout


async def test_unknown_conversations_are_told(
    world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path
) -> None:
    """A conversation without a run, one that nobody knows, and a misspelled project are one line each."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        unknown = await stop(daemon, "nobody", "--token-file", token)
        misspelled = await stop(daemon, "nobody", "--project", "suport", "--token-file", token)
        shown = await run_command("show", "nobody", "--url", daemon.url)
    for outcome, says in (
        (unknown, "404 Not Found: no run of this conversation is known"),
        (misspelled, "there is no project 'suport'; there are: support"),
        (shown, "nothing is known of conversation nobody"),
    ):
        assert outcome.code == 1
        assert says in outcome.stderr
        assert outcome.stderr.count("\n") == 1


async def test_a_daemon_killed_after_the_order_goes_on_with_it(
    world: World, api: str, inbox: Inbox, tmp_path: Path, token: Path
) -> None:
    """Killed right after the order was taken: the next daemon looks, and carries it out with one request in all."""
    conversation = begin_run(world)
    config = settings(api, tmp_path, inbox.receiver, auto_stop=OFF)
    async with running_daemon(config, tmp_path) as daemon:
        await eventually(lambda: daemon.api("runs"), "the run is known")
        begun = await stop(daemon, conversation.id, "--token-file", token, "--no-wait")
        await daemon.kill()
    assert begun.code == 0, begun
    async with running_daemon(config, tmp_path) as daemon:
        done = await eventually(lambda: _actions(daemon, result="stopped"), "the stop is carried out", within=30.0)
    assert [each.effect for each in world.record().stops] == [StopEffect.STOPPED]
    assert done[0]["conversation_id"] == conversation.id


async def _actions(daemon: Daemon, **fields: Any) -> list[dict[str, Any]]:
    return [each for each in await daemon.api("actions") if fields.items() <= each.items()]
