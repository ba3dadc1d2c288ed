"""Which silences hold which alerts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from monitor.alerting.silences import Silencer, parse_narrow, with_nothing_left
from monitor.model.silence import Silence, SilenceState
from tests.support.build import START

HOUR = 3600.0
LABELS = {"alertname": "RunOverLimit", "severity": "critical", "project": "support", "app": "Report writer"}


def silence(*matchers: str, **fields: Any) -> Silence:
    """Return a silence that holds for an hour from START."""
    values: dict[str, Any] = {
        "id": "1f0e9a3c",
        "author": "alice",
        "comment": "we know",
        "created_at": START,
        "starts_at": START,
        "until": START + HOUR,
    }
    return Silence(matchers=matchers or ('alertname="RunOverLimit"',), **{**values, **fields})


@pytest.mark.parametrize(
    "matchers",
    [
        ['alertname="RunOverLimit"'],
        ['alertname="RunOverLimit"', 'severity="critical"'],
        ['app=~"Report.*"'],
        ['alertname=~"Run.+"', 'severity!="info"'],
        ['alertname="RunOverLimit"', 'app!~"Billing|Sales"'],
        ['alertname="RunOverLimit"', 'team=""'],
        ['alertname="RunOverLimit"', 'alertname="RunOverLimit"'],
    ],
)
def test_a_silence_holds_what_satisfies_all_its_matchers(matchers: list[str]) -> None:
    """Each kind of condition counts, and a label that is absent is empty."""
    wanted = silence(*matchers)
    assert Silencer([wanted], START).muted_by(LABELS) == wanted


@pytest.mark.parametrize(
    "matchers",
    [
        ['alertname="RunOpen"'],
        ['alertname="RunOverLimit"', 'severity="info"'],
        ['alertname="RunOverLimit"', 'severity=~"info|crit"'],
        ['alertname="RunOverLimit"', 'app!="Report writer"'],
        ['alertname="RunOverLimit"', 'alertname="RunOpen"'],
        ['alertname="RunOverLimit"', 'team="bi"'],
    ],
)
def test_one_matcher_that_is_not_satisfied_is_enough(matchers: list[str]) -> None:
    """An alert that misses one condition is told, and a regular expression has to match the whole value."""
    assert Silencer([silence(*matchers)], START).muted_by(LABELS) is None


@pytest.mark.parametrize(
    ("at", "fields", "state"),
    [
        (START - 1, {}, SilenceState.PENDING),
        (START, {}, SilenceState.ACTIVE),
        (START + HOUR - 1, {}, SilenceState.ACTIVE),
        (START + HOUR, {}, SilenceState.EXPIRED),
        (START + 9 * HOUR, {"until": None}, SilenceState.ACTIVE),
        (START + 60, {"ended_at": START + 60}, SilenceState.EXPIRED),
        (START - 30, {"ended_at": START - 60}, SilenceState.EXPIRED),
    ],
)
def test_a_silence_holds_from_its_start_to_its_end(at: float, fields: dict[str, Any], state: SilenceState) -> None:
    """It holds from its first moment to just before its last; one ended early is over, even before it began."""
    of = silence(**fields)
    assert of.state(at) is state
    assert (Silencer([of], at).muted_by(LABELS) is not None) is (state is SilenceState.ACTIVE)


def test_of_several_silences_the_one_that_ends_last_counts() -> None:
    """An alert is held until the last of them ends, and one without an end is later than any."""
    short, long = silence(id="short"), silence('severity="critical"', id="long", until=START + 2 * HOUR)
    endless = silence('project="support"', id="endless", until=None)
    assert Silencer([long, short], START).muted_by(LABELS) == long
    assert Silencer([short, endless, long], START).muted_by(LABELS) == endless


def test_silences_that_wait_for_resolves_end_with_the_last_alert() -> None:
    """Only those without an end are over, once nothing that fires matches; those that have not begun stay."""
    waits = silence(until=None)
    others = [silence('alertname="Other"'), silence('alertname="Other"', until=None, starts_at=START + 1)]
    assert with_nothing_left([waits, *others], [LABELS], START) == []
    assert with_nothing_left([waits, *others], [{**LABELS, "alertname": "RunOpen"}], START) == [waits]
    assert with_nothing_left([waits, *others], [], START) == [waits]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "these match everything"),
        (['alertname=~".*"'], "these match everything"),
        (['app!="Billing"'], "these match everything"),
        (['severity=""', 'app!~"x"'], "these match everything"),
        (["severity"], "severity"),
        (['app=~"("'], "regular expression"),
    ],
)
def test_matchers_that_hold_everything_are_refused(texts: list[str], says: str) -> None:
    """What an alert without labels would satisfy is refused, as by Alertmanager, and so is what is no matcher."""
    with pytest.raises(ValueError, match=says):
        parse_narrow(texts)


def test_narrow_matchers_are_read() -> None:
    """One condition that needs a label is enough, and what is read is written in its canonical form."""
    assert [str(each) for each in parse_narrow(["alertname=RunOverLimit", "app!=Billing"])] == [
        'alertname="RunOverLimit"',
        'app!="Billing"',
    ]


def test_an_alert_is_compared_with_few_of_many_silences() -> None:
    """Each alert is compared with silences of its own conversation alone: a thousand cost about as much as ten."""

    def cost(count: int) -> float:
        silences = [silence('alertname="RunOverLimit"', f'conversation_id="c{n}"', id=str(n)) for n in range(count)]
        silencer = Silencer(silences, START)
        began = time.process_time()
        held = [silencer.muted_by({**LABELS, "conversation_id": f"c{n}"}) for n in range(5_000)]
        assert sum(each is not None for each in held) == count
        return time.process_time() - began

    few, many = (min(cost(count) for _ in range(3)) for count in (10, 1_000))
    assert many < 10 * few
