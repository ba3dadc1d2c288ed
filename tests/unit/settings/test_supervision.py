from __future__ import annotations

import os

import pytest

from monitor.errors import ConfigError
from monitor.settings.supervision import Supervision, supervision


def test_nobody_supervises_a_daemon_that_was_started_by_hand() -> None:
    """Without the variables, or with empty ones, nobody is told anything."""
    assert supervision({}) == supervision({"NOTIFY_SOCKET": "", "WATCHDOG_USEC": ""}) == Supervision()


def test_the_variables_of_systemd_are_read() -> None:
    """The socket may be a path or an abstract name, and the watchdog's microseconds become seconds."""
    path = supervision({"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000"})
    assert path == Supervision(notify_socket="/run/systemd/notify", watchdog=30.0)
    assert supervision({"NOTIFY_SOCKET": "@notify"}) == Supervision(notify_socket="@notify")


@pytest.mark.parametrize(("pid", "watchdog"), [(os.getpid(), 30.0), (os.getpid() + 1, None)], ids=["ours", "another"])
def test_the_watchdog_of_another_process_is_left_alone(pid: int, watchdog: float | None) -> None:
    """A watchdog counts only for the process that WATCHDOG_PID names."""
    assert supervision({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(pid)}).watchdog == watchdog


@pytest.mark.parametrize(
    "variables",
    [
        {"NOTIFY_SOCKET": "run/notify"},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-1"},
    ],
)
def test_variables_that_cannot_be_used_are_refused(variables: dict[str, str]) -> None:
    """What is no such socket and no such time is an error that names the variable."""
    with pytest.raises(ConfigError, match=next(iter(variables))):
        supervision(variables)
