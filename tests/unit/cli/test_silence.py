"""What the words of `alli-monitor silence` and `ack` mean."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from monitor.cli import commands
from monitor.cli.silence import _alerts, _matchers
from monitor.errors import ConfigError

ALERT = "0123456789abcdef"
NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["RunOverLimit"], ['alertname="RunOverLimit"']),
        (["RunOverLimit", "app=Report writer"], ['alertname="RunOverLimit"', "app=Report writer"]),
        (["severity=~crit.*"], ["severity=~crit.*"]),
        (["severity!=info", "app!~x"], ["severity!=info", "app!~x"]),
        (['Odd"name'], ['alertname="Odd\\"name"']),
        (["app=A", "B"], ["app=A", "B"]),
    ],
)
def test_a_first_word_alone_is_the_name_of_an_alert(words: list[str], expected: list[str]) -> None:
    """As with amtool, only the first word may leave out what it is about."""
    assert _matchers(words) == expected


def test_alerts_are_named_or_matched() -> None:
    """Fingerprints mean single alerts; anything else among them makes all words matchers."""
    assert _alerts([ALERT, ALERT]) == [{"fingerprint": ALERT}, {"fingerprint": ALERT}]
    assert _alerts(["RunOpen"]) == [{"matchers": ['alertname="RunOpen"']}]
    assert _alerts([ALERT, "app=A"]) == [{"matchers": [f'alertname="{ALERT}"', "app=A"]}]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["silence", "add", "RunOpen", "-m", "x", "--url", NOBODY], "either --until or --until-resolved"),
        (
            ["silence", "add", "RunOpen", "-m", "x", "--until", "2h", "--until-resolved", "--url", NOBODY],
            "either --until or --until-resolved",
        ),
        (["ack", "--url", NOBODY], "name an alert, or matchers"),
        (["ack", "--undo", "--url", NOBODY], "name an alert, or matchers"),
    ],
)
def test_what_makes_no_sense_asks_nobody(words: list[str], says: str) -> None:
    """Wrong usage is told before the daemon is asked."""
    error = CliRunner().invoke(commands, words).exception
    assert isinstance(error, ConfigError)
    assert says in str(error)
