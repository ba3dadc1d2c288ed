"""How long an acknowledgement holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.alerting.acks import BySubject, ended, ends, worse
from monitor.model.ack import Ack, AckEnd
from monitor.model.alert import Alert, AlertState
from tests.support.build import START, alert, identity

HOUR = 3600.0


def firing(rule: str, severity: str | None, project: str = "support", **subject: str) -> Alert:
    """Return an alert that was announced two minutes after START."""
    labels = {"alertname": rule} if severity is None else {"alertname": rule, "severity": severity}
    return alert(identity(rule, project, **subject), labels=labels, announced_at=START + 120)


OPEN = firing("RunOpen", "warning", run_id="r1", conversation_id="c1")
ACK = Ack(
    fingerprint=OPEN.fingerprint,
    identity=OPEN.identity,
    by="alice",
    comment="looking",
    at=START + 60,
    until=START + 8 * HOUR,
    fired_at=START,
)


def test_an_acknowledgement_holds_while_nothing_happens() -> None:
    """It holds while its alert fires and its time is not over."""
    assert ended(ACK, OPEN, [OPEN], START + 8 * HOUR - 1) is None


def test_an_acknowledgement_times_out() -> None:
    """It holds no more from its last moment on."""
    assert ended(ACK, OPEN, [OPEN], START + 8 * HOUR) is AckEnd.TIMED_OUT


@pytest.mark.parametrize(
    "now",
    [
        None,
        replace(OPEN, state=AlertState.RESOLVED, resolved_at=START + 90),
        replace(OPEN, state=AlertState.PENDING, fired_at=None),
        replace(OPEN, fired_at=START + 600),
    ],
    ids=["forgotten", "resolved", "pending again", "fired again"],
)
def test_an_acknowledgement_is_of_one_firing(now: Alert | None) -> None:
    """It ends with the firing it is about, also when the alert fires again before anybody looked."""
    assert ended(ACK, now, [], START + HOUR) is AckEnd.RESOLVED


@pytest.mark.parametrize(
    "other",
    [
        firing("RunOverLimit", "critical", run_id="r1", conversation_id="c1"),
        firing("RunStuck", "error", run_id="r1", conversation_id="c1"),
        firing("ChatTooLong", "critical", conversation_id="c1", chat_id="x"),
    ],
    ids=lambda other: other.identity.rule,
)
def test_something_worse_about_the_same_ends_an_acknowledgement(other: Alert) -> None:
    """A graver alert about the same run or conversation is news to whoever took care of the milder one."""
    assert ended(ACK, OPEN, [OPEN, other], START + HOUR) is AckEnd.WORSE


def test_the_same_app_is_known_under_the_name_that_windows_use() -> None:
    """An alert of a window by app.id and one about the app are about the same."""
    mild = firing("NegativeRatingBurst", "warning", **{"app.id": "app-1"})
    grave = firing("AppDown", "critical", app_id="app-1")
    assert worse(mild, [grave, firing("AppDown", "critical", app_id="app-2")]) == [grave]


@pytest.mark.parametrize(
    "other",
    [
        firing("RunSlow", "warning", run_id="r1", conversation_id="c1"),
        firing("RunNoted", "info", run_id="r1", conversation_id="c1"),
        firing("RunNoted", None, run_id="r1", conversation_id="c1"),
        firing("RunPaged", "page", run_id="r1", conversation_id="c1"),
        firing("RunOverLimit", "critical", run_id="r2", conversation_id="c2"),
        firing("RunOverLimit", "critical", project="sales", run_id="r1", conversation_id="c1"),
        firing("MonitorBlind", "critical"),
        replace(firing("RunOverLimit", "critical", run_id="r1", conversation_id="c1"), state=AlertState.RESOLVED),
        replace(firing("RunOverLimit", "critical", run_id="r1", conversation_id="c1"), announced_at=None),
    ],
    ids=["equal", "milder", "none", "unknown word", "other run", "other project", "no subject", "over", "not told yet"],
)
def test_what_is_not_worse_leaves_it_alone(other: Alert) -> None:
    """Only what is more severe, announced, fires, and is about the same ends an acknowledgement."""
    assert ended(ACK, OPEN, [OPEN, other], START + HOUR) is None


def test_what_was_known_to_be_worse_is_no_news() -> None:
    """Something graver that had been announced already does not end it; that it fires anew does."""
    grave = firing("RunOverLimit", "critical", run_id="r1", conversation_id="c1")
    knowing = replace(ACK, known={grave.fingerprint: START + 120})
    assert ended(knowing, OPEN, [grave], START + HOUR) is None
    assert ended(knowing, OPEN, [replace(grave, announced_at=START + 900)], START + HOUR) is AckEnd.WORSE


@pytest.mark.parametrize(
    ("acked", "other", "expected"),
    [
        (None, "info", True),
        ("none", "info", True),
        ("info", "warning", True),
        ("warning", "error", True),
        ("error", "critical", True),
        ("critical", "critical", False),
        ("page", "critical", False),
    ],
)
def test_severities_have_an_order(acked: str | None, other: str, expected: bool) -> None:  # noqa: FBT001 - of a table
    """None, info, warning, error, critical; no severity is none, and other words compare with nothing."""
    subject = {"conversation_id": "c1"}
    assert bool(worse(firing("A", acked, **subject), [firing("B", other, **subject)])) is expected


def test_all_ends_are_found_at_once() -> None:
    """Of many acknowledgements those that end are found with their reason, each by its own alert."""
    calm = firing("RunOpen", "warning", run_id="r9", conversation_id="c9")
    late = firing("RunOpen", "warning", run_id="r8", conversation_id="c8")
    grave = firing("RunOverLimit", "critical", run_id="r1", conversation_id="c1")
    gone = firing("RunOpen", "warning", run_id="r7", conversation_id="c7")

    def ack(of: Alert, **fields: Any) -> Ack:
        return replace(ACK, fingerprint=of.fingerprint, identity=of.identity, **fields)

    acks = {each.fingerprint: each for each in (ACK, ack(calm), ack(late, until=START), ack(gone))}
    found = ends(acks, {each.fingerprint: each for each in (OPEN, calm, late, grave)}, START + HOUR)
    assert found == {
        OPEN.fingerprint: AckEnd.WORSE,
        late.fingerprint: AckEnd.TIMED_OUT,
        gone.fingerprint: AckEnd.RESOLVED,
    }
    assert BySubject([OPEN, calm, grave]).about(calm) == [calm, calm]
