from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import commands
from monitor.clock import SystemClock
from monitor.simulator.options import Options
from monitor.simulator.server import serve
from monitor.simulator.world import World


def world(**options: Any) -> World:
    """Return a project in which an app was used once."""
    made = World(SystemClock(), Options(**options))
    conversation = made.add_conversation(app=made.add_app("Report [red]"), user=made.add_user("u-1"))
    made.add_chat(conversation.id, "USER", "question")
    return made


def config(directory: Path, **projects: str) -> Path:
    """Write a configuration of these projects, by name and base URL, that enforces a limit for one other app."""
    file = directory / "monitor.yml"
    known = {name: {"base_url": url, "api_key": "simulated-key", "timeout": "5s"} for name, url in projects.items()}
    sections = {
        "projects": known,
        "apps": [{"match": "Report*", "run_limit": "4h", "labels": {"team": "bi"}}],
        "auto_stop": {"mode": "enforce", "apps": ["Other"]},
    }
    file.write_text(json.dumps(sections), encoding="utf-8")
    return file


async def check(file: Path, *arguments: str) -> Result:
    """Run `check --online`, which has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, commands, ["check", "-c", str(file), "--online", *arguments])


async def test_prints_what_a_server_can_do_and_what_holds_for_its_apps(tmp_path: Path) -> None:
    """A good server is fine: each line of the report, the cost of watching it, and each app that was seen."""
    async with serve(world()) as url:
        result = await check(config(tmp_path, support=url))
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "missing id works 404 Not Found takes this answer for a conversation" in lines
    assert "what runs about 0 about 360 10s" in lines
    assert "Report [red] 4h no: not in auto_stop.apps team=bi" in lines
    assert lines[-1] == "fine"
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert os.listdir(tmp_path) == ["monitor.yml"], "something was written"  # noqa: PTH208 - no waiting in a test


async def test_a_project_that_cannot_be_watched_as_it_should_be_is_a_finding(tmp_path: Path) -> None:
    """A server that ignores a filter is told apart from a good one beside it, and the exit code says so."""
    ignoring = world(ignored_parameters=frozenset({"backgroundRunning"}))
    async with serve(world()) as good, serve(ignoring) as bad:
        result = await check(config(tmp_path, good=good, bad=bad))
    assert result.exit_code == 1
    assert result.stdout.count("degraded: ") == 1
    assert "fine" not in result.stdout.splitlines()


@pytest.mark.parametrize("api_key", ["another-key", None])
async def test_a_project_that_does_not_answer_is_a_finding(tmp_path: Path, api_key: str | None) -> None:
    """A refused key, or nobody there, is named with what to do, and the other projects are probed all the same."""
    async with serve(world()) as good, serve(world(api_key=api_key or "x")) as refusing:
        bad = refusing if api_key else "http://127.0.0.1:9"
        result = await check(config(tmp_path, bad=bad, good=good))
    assert result.exit_code == 1
    assert "error: " in result.stdout
    assert "check the API key" in result.stdout if api_key else "could not be reached" in result.stdout
    assert "404 Not Found" in result.stdout


async def test_records_each_project_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """With --record there is one folder a project, for the owner's eyes only."""
    folder = tmp_path / "recording"
    async with serve(world()) as one, serve(world()) as two:
        result = await check(config(tmp_path, one=one, two=two), "--record", str(folder))
    assert result.exit_code == 0, result.output
    assert sorted(each.name for each in folder.iterdir()) == ["one", "two"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(any(each.glob("001-list_conversations.json")) for each in folder.iterdir())


async def test_a_recording_is_never_mixed_with_another(tmp_path: Path) -> None:
    """A folder that holds anything is refused as a mistake in the command, before anybody is asked."""
    result = await check(config(tmp_path, support="http://127.0.0.1:9"), "--record", str(tmp_path))
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_recording_needs_a_probe(tmp_path: Path) -> None:
    """--record without --online is a mistake in the command, and makes nothing."""
    file = config(tmp_path, support="http://127.0.0.1:9")
    result = CliRunner().invoke(commands, ["check", "-c", str(file), "--record", str(tmp_path / "new")])
    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()
