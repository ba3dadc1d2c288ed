"""What is wrong with the configuration or the machine: one line that says what to do, and the right exit code."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.simulator.world import World
from tests.acceptance.kit import RULES, Inbox, begin_run, settings, write_rules
from tests.support.daemon import run_command, running_daemon

_CONFIG = """\
projects:
  support:
    base_url: http://127.0.0.1:1
    {credential}
rule_files: [rules.yml]
storage: {{url: "{storage}"}}
web: {{listen: "{listen}"}}
{more}
"""
_GOOD = {
    "credential": "api_key: secret-of-ours",
    "storage": "sqlite:///monitor.db",
    "listen": "127.0.0.1:0",
    "more": "",
    "rules": RULES,
}


def write(directory: Path, **changes: str) -> Path:
    """Write a configuration and its rule file, right but for `changes`."""
    parts = {**_GOOD, **changes}
    write_rules(directory, parts.pop("rules"))
    file = directory / "monitor.yml"
    file.write_text(_CONFIG.format(**parts), encoding="utf-8")
    return file


@pytest.fixture
def taken() -> Iterator[str]:
    """Provide an address that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"more": "pollling: {runs: 5s}"}, "monitor.yml:8:1: pollling: unknown key; did you mean polling?"),
        ({"credential": "api_key_file: /nowhere/key"}, "monitor.yml:4:5: projects.support.api_key_file:"),
        ({"credential": "api_key: [secret-of-ours]"}, "monitor.yml:4:5: projects.support.api_key:"),
        ({"more": "web: {listen: here}"}, "monitor.yml:8:"),
        ({"rules": RULES.replace("run.limit", "run.limt")}, "did you mean run.limit?"),
        ({"more": "auto_stop: {mode: enforce}"}, "enforce needs an explicit list in auto_stop.apps"),
    ],
    ids=["unknown key", "missing secret file", "wrong type", "key twice", "rule typo", "enforce without apps"],
)
async def test_run_and_check_say_what_is_wrong_with_a_file(
    changes: dict[str, str], expected: str, tmp_path: Path
) -> None:
    """A mistake in a file is one line with its place, from `run` and from `check` alike, without any secret."""
    file = write(tmp_path, **changes)
    for name in ("run", "check"):
        outcome = await run_command(name, "--config", file, cwd=tmp_path)
        assert outcome.code == 1
        [line] = outcome.stderr.splitlines()
        assert line.startswith("error: ")
        assert expected in line
        assert "secret-of-ours" not in outcome.stdout + outcome.stderr
    assert not (tmp_path / "monitor.db").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"storage": "sqlite:////proc/nowhere/monitor.db"}, "storage.url must point into a directory"),
        ({"storage": "sqlite:///monitor.yml/monitor.db"}, "storage.url must point into a directory"),
        ({"listen": "TAKEN"}, "address already in use; set web.listen"),
    ],
    ids=["read-only directory", "a file for a directory", "port taken"],
)
async def test_run_says_what_is_wrong_with_the_machine(
    changes: dict[str, str], expected: str, taken: str, tmp_path: Path
) -> None:
    """A place or a port that cannot be had ends the start with one line and exit code 1."""
    file = write(tmp_path, **{key: value.replace("TAKEN", taken) for key, value in changes.items()})
    outcome = await run_command("run", "--config", file, cwd=tmp_path)
    assert outcome.code == 1
    [line] = outcome.stderr.splitlines()
    assert line.startswith("error: ")
    assert expected in line


async def test_a_second_daemon_on_the_same_database_is_refused(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """Two daemons on one database would stop twice, so the second does not start, and the first does not notice."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path):
        outcome = await run_command("run", "--config", tmp_path / "monitor.yml")
        begin_run(world)
        await inbox.arrival("RunOpen")
    assert outcome.code == 1
    [line] = outcome.stderr.splitlines()
    assert line.startswith("error: another alli-monitor is running on ")


async def test_a_wrong_key_keeps_the_daemon_running(api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A key that Alli refuses is an alert, not an end: the key may be replaced, and somebody has to be told."""
    config = settings(api, tmp_path, inbox.receiver)
    config["projects"]["support"]["api_key"] = "another-key"
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("MonitorApiAuth")
        assert (await daemon.api("status"))["state"] == "auth_failing"


async def test_an_unreachable_host_keeps_the_daemon_running(inbox: Inbox, tmp_path: Path) -> None:
    """A host that does not answer is blindness, told as such; the daemon is ready, for its first attempts are over."""
    config = settings("http://127.0.0.1:1", tmp_path, inbox.receiver)
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("MonitorBlind")
        assert len(daemon.events("poll fails", poll="runs")) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "--config", "CONFIG"), 0),
        (("check", "--config", "/nowhere/monitor.yml"), 1),
        (("check", "--colour"), 2),
        (("rnu",), 2),
        (("protect", "--config", "CONFIG"), 2),
        (("protect", "c1", "--until", "soon", "--config", "CONFIG"), 1),
        (("autostop", "pause", "--project", "other", "--config", "CONFIG"), 1),
        (("demo", "--duration", "long"), 1),
    ],
)
async def test_exit_codes(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """Commands end with 0 when fine, 1 with findings and 2 for a wrong usage, and never with a traceback."""
    file = write(tmp_path)
    outcome = await run_command(*(str(file) if word == "CONFIG" else word for word in arguments), cwd=tmp_path)
    assert outcome.code == code, outcome
    assert "Traceback" not in outcome.stderr
    assert bool(outcome.stderr) == bool(code)
