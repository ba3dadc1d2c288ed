"""The systemd unit: understood by systemd, tight, and a sandbox in which the real daemon does its work."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from monitor.configured import load_rules
from monitor.settings import load
from tests.docs.pages import ROOT
from tests.support.notify_socket import listening
from tests.support.programs import needs
from tests.support.sandbox import COMMAND, Sandbox
from tests.support.unit_file import read_unit, system_call_filter
from tests.support.waiting import eventually

DEPLOY = ROOT / "deploy/systemd"
UNIT = DEPLOY / "alli-monitor.service"
SETTINGS = read_unit(UNIT)
STATE = "/var/lib/alli-monitor"
CREDENTIALS = "/run/credentials/alli-monitor.service"
NOTIFY = "/run/systemd/notify"
EXPOSURE = 15  # the most, in tenths: systemd 252 finds 11, and a newer one may look at more

ANALYZE = shutil.which("systemd-analyze") or ""
SYSUSERS = shutil.which("systemd-sysusers") or ""
pytestmark = pytest.mark.timeout(300)  # starts of the command, one after the other
needs_systemd = needs("systemd-analyze", package="systemd")
needs_bubblewrap = needs("bwrap", package="bubblewrap")


def put_secrets(directory: Path) -> Path:
    """Write a file for each credential of the unit, and return the directory that systemd would show."""
    credentials = directory / "credentials"
    credentials.mkdir()
    for name in credential_names():
        (credentials / name).write_text("http://127.0.0.1:9/made-up", encoding="utf-8")
    return credentials


def credential_names() -> set[str]:
    """Return the names under which the unit shows its secrets."""
    return {value.partition(":")[0] for value in SETTINGS["LoadCredential"]}


def sandbox(directory: Path) -> Sandbox:
    """Return what the unit makes of a machine, as far as bubblewrap and the kernel's filter can make it too."""
    assert SETTINGS["ProtectSystem"] == ["strict"]
    assert SETTINGS["StateDirectory"] == [Path(STATE).name]
    assert SETTINGS["CapabilityBoundingSet"] == [""]
    state = directory / "state"
    state.mkdir(mode=int(SETTINGS["StateDirectoryMode"][0], 8))
    temporary = ["/tmp", "/var/tmp"] if SETTINGS["PrivateTmp"] == ["yes"] else []  # noqa: S108 - in the sandbox
    return Sandbox(
        uid=993,
        cwd=SETTINGS["WorkingDirectory"][0],
        umask=int(SETTINGS["UMask"][0], 8),
        readable={
            SETTINGS["ExecStart"][0].split()[0]: COMMAND,
            "/etc/alli-monitor/monitor.yml": DEPLOY / "monitor.yml",
            CREDENTIALS: put_secrets(directory),
            NOTIFY: directory / "notify",
        },
        writable={STATE: state},
        temporary=temporary,
        seccomp=system_call_filter(SETTINGS),
    )


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(port: int = 0, **more: str) -> dict[str, str]:
    """Return the environment that the unit gives, with an Alli that does not answer; 0 is any free port."""
    return {
        **dict(value.split("=", 1) for value in SETTINGS["Environment"]),
        "NOTIFY_SOCKET": NOTIFY,
        "ALLI_MONITOR_PROJECTS__SUPPORT__BASE_URL": f"http://127.0.0.1:{free_port()}",
        "ALLI_MONITOR_WEB__LISTEN": f"127.0.0.1:{port}",
        **more,
    }


async def type_what_the_page_shows(place: Sandbox) -> dict[str, str]:
    """Run the commands on the database that docs/systemd.md shows, as it does, and return what each printed."""
    page = (ROOT / "docs/systemd.md").read_text(encoding="utf-8")
    (function,) = re.findall(r'^  sudo -u alli-monitor env (.*?) "\$@"$', page, re.MULTILINE | re.DOTALL)
    *variables, program = function.replace("\\\n", " ").split()
    printed = {}
    for typed in re.findall(r"^monitor (.+)$", page, re.MULTILINE):
        async with place.running([program, *typed.split()], dict(word.split("=", 1) for word in variables)) as command:
            assert await command.ended() == 0, command.log
        printed[typed] = " ".join(command.log)
    return printed


@pytest.mark.service
@needs_systemd
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say once the command is where the unit looks for it."""
    program = SETTINGS["ExecStart"][0].split()[0]
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace(program, str(COMMAND)), encoding="utf-8")
    ran = subprocess.run([ANALYZE, "verify", unit], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.service
@needs_systemd
def test_the_unit_is_tight() -> None:
    """`systemd-analyze security` rates the unit no worse than the page says."""
    ran = subprocess.run(
        [ANALYZE, "security", "--offline=true", f"--threshold={EXPOSURE}", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.service
@needs("systemd-sysusers", package="systemd")
def test_the_user_is_made(tmp_path: Path) -> None:
    """`systemd-sysusers` makes the user and the group of the unit from the file beside it."""
    (tmp_path / "etc").mkdir()
    subprocess.run([SYSUSERS, f"--root={tmp_path}", DEPLOY / "alli-monitor.sysusers"], check=True)
    users = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    groups = (tmp_path / "etc/group").read_text(encoding="utf-8")
    assert re.search(rf"^{SETTINGS['User'][0]}:x:\d+:\d+:.*:{STATE}:/usr/sbin/nologin$", users, re.MULTILINE)
    assert re.search(rf"^{SETTINGS['Group'][0]}:x:\d+:$", groups, re.MULTILINE)


def test_the_configuration_loads_with_the_unit_s_secrets(tmp_path: Path) -> None:
    """The configuration reads exactly what the unit loads, and loads without a warning."""
    text = (DEPLOY / "monitor.yml").read_text(encoding="utf-8")
    assert set(re.findall(rf"{CREDENTIALS}/(\w+)", text)) == credential_names()
    file = tmp_path / "monitor.yml"
    file.write_text(text.replace(CREDENTIALS, str(put_secrets(tmp_path))), encoding="utf-8")
    settings = load(file, {})
    assert load_rules(settings).rules
    assert not settings.warnings


@pytest.mark.service
@needs_systemd
@needs_bubblewrap
async def test_the_daemon_works_in_the_sandbox_and_tells_systemd(tmp_path: Path) -> None:
    """
    Within what the unit leaves it, the daemon starts while Alli is down, reloads, stops, and systemd hears it all.

    The root file system is read-only, there are no capabilities, and the unit's filter of system calls is in force;
    the database is for its owner only.
    """
    async with listening(tmp_path / "notify") as systemd:
        place, port = sandbox(tmp_path), free_port()
        environ = environment(port, WATCHDOG_USEC="400000")
        async with place.running(SETTINGS["ExecStart"][0].split(), environ) as daemon:
            await eventually(lambda: systemd.all("READY"), "it is ready", within=60.0)
            (await asyncio.open_connection("127.0.0.1", port))[1].close()  # it listens by then
            assert "EXTEND_TIMEOUT_USEC" in systemd.heard[0]
            await eventually(lambda: len(systemd.all("WATCHDOG")) > 3, "it tells that it lives")
            await eventually(lambda: "watching support" in str(systemd.all("STATUS")), "it tells what it watches")
            daemon.signal(signal.SIGHUP)
            await eventually(lambda: len(systemd.all("READY")) > 1, "it has reloaded")
            printed = await type_what_the_page_shows(place)
            daemon.signal(signal.SIGTERM)
            assert await daemon.ended() == 0, daemon.log
            assert systemd.order("READY", "RELOADING", "STOPPING") == ["READY", "RELOADING", "READY", "STOPPING"]
    assert not [line for line in daemon.log if "Traceback" in line or "service manager" in line]
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "state").iterdir()}
    assert {"monitor.db", "backup.db"} <= modes.keys()
    assert "paused for every app" in printed["autostop pause --until 1h"]
    assert printed["autostop resume"] == "Automatic stops go on."
    assert set(modes.values()) == {0o600}


@pytest.mark.service
@needs_systemd
@needs_bubblewrap
async def test_the_sandbox_is_closed(tmp_path: Path) -> None:
    """What the sandbox of the test above forbids fails in it: else that test would prove nothing."""
    (tmp_path / "notify").touch()
    place = sandbox(tmp_path)
    attempts = {
        "open('/etc/alli-monitor/x', 'w')": "Read-only",
        "open('/usr/x', 'w')": "Read-only",
        "__import__('socket').socket(__import__('socket').AF_NETLINK)": "not permitted",
        "__import__('mmap').mmap(-1, 4096, prot=7)": "not permitted",
        "__import__('os').setpriority(0, 0, 5)": "not permitted",
    }
    for attempt, answer in attempts.items():
        program = ["/usr/bin/env", "-S", str(Path(COMMAND).with_name("python")), "-c", attempt]
        async with place.running(program, {}) as tried:
            assert await tried.ended() == 1, attempt
        assert answer in tried.log[-1], (attempt, tried.log)


@pytest.mark.service
@needs_systemd
@needs_bubblewrap
async def test_a_hang_leaves_its_place_in_the_journal(tmp_path: Path) -> None:
    """The signal with which the watchdog ends a daemon makes it write where each of its threads was."""
    async with listening(tmp_path / "notify") as systemd:
        place = sandbox(tmp_path)
        async with place.running(SETTINGS["ExecStart"][0].split(), environment()) as daemon:
            await eventually(lambda: systemd.all("READY"), "it is ready", within=60.0)
            assert not systemd.all("WATCHDOG")
            daemon.signal(signal.SIGABRT)
            assert await daemon.ended() == 128 + signal.SIGABRT
    assert "Fatal Python error: Aborted" in daemon.log
    assert any(line.startswith("Current thread") for line in daemon.log)
    assert any(line.startswith('  File "') for line in daemon.log)
