from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.messages.compose import more
from monitor.messages.cutting import CHARACTERS, UTF8, UTF16, Unit
from monitor.messages.message import AlertText, Line, Link, Message
from monitor.model.alert import Transition
from monitor.notify.plain import block, fit, symbol

ALERT = AlertText(
    fingerprint="f",
    status=Transition.FIRING,
    severity="critical",
    starts_at=0.0,
    title="RunOverLimit · Report",
    summary="A run is 1h 6m old",
    lines=(Line(label="Since", text="14:03 KST"), Line(label="Limit", text="1 h")),
    links=(Link(text="Console", url="https://monitor.example"),),
    excerpt="첫 줄\n둘째 줄",
)


def message(*alerts: AlertText) -> Message:
    """Return a message about these alerts."""
    return Message(title="FIRING", status=Transition.FIRING, alerts=alerts)


def test_a_block_has_all_that_is_known() -> None:
    """An alert is its title with its severity, its summary, its lines, its excerpt as quoted, and its links."""
    assert block(ALERT).split("\n") == [
        "🚨 RunOverLimit · Report (critical)",
        "A run is 1h 6m old",
        "Since: 14:03 KST",
        "Limit: 1 h",
        "> 첫 줄",
        "> 둘째 줄",
        "Console: https://monitor.example",
    ]


def test_a_block_has_nothing_empty() -> None:
    """What is not known leaves no line and no brackets behind."""
    bare = replace(ALERT, severity="", summary="", lines=(), links=(), excerpt="")
    assert block(bare) == "🔔 RunOverLimit · Report"


def test_what_is_over_has_a_symbol_of_its_own() -> None:
    """However bad it was, what is over is told apart at a glance."""
    assert symbol(replace(ALERT, status=Transition.RESOLVED)) != symbol(ALERT)


@pytest.mark.parametrize("unit", [CHARACTERS, UTF16, UTF8])
@pytest.mark.parametrize("limit", [50, 200, 500, 1000, 5000])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_fits_whole_alerts(unit: Unit, limit: int, count: int) -> None:
    """The text never exceeds the limit; it has as many whole alerts as fit, and says how many it leaves out."""
    alerts = [replace(ALERT, title=f"Alert{number:02}") for number in range(count)]
    text = fit(message(*alerts), limit, unit=unit)
    assert unit(text) <= limit
    whole = sum(block(alert) in text for alert in alerts)
    left = count - max(whole, 1)
    assert text.endswith(more(left, "en")) == (left > 0)
    if whole < count:
        missing = unit("\n\n" + block(alerts[0])) + unit("\n\n" + more(count, "en"))
        assert unit(text) + missing > limit, "another one had fitted"


def test_many_alerts_are_cheap() -> None:
    """A storm is cut to a message without being written out many times."""
    assert fit(message(*[ALERT] * 10_000), 2000, unit=UTF16).endswith("more")
