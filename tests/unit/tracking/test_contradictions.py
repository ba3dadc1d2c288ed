from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.run import Clash, Contradiction, Run
from monitor.tracking.contradictions import (
    chat_completed,
    check_due,
    is_hidden,
    is_urgent,
    listed,
    stands,
    weigh,
)
from monitor.tracking.runs import Ledger, reconcile
from tests.support.build import PROJECT, START, bot, conversation, run, sighting, user

INTERVAL = 10.0
ANSWERS = st.sampled_from([True, False, None])
RUN = run(START, bot("b1", START))


def contradiction(
    clash: Clash = Clash.NOT_RUNNING, *, lasted: float = 0.0, polls: int = 1, since: float = START
) -> Contradiction:
    """Return a contradiction that was seen for so long in so many polls."""
    return Contradiction(clash=clash, since=since, until=since + lasted, polls=polls)


@pytest.mark.parametrize(
    ("chats", "expected"),
    [
        pytest.param([bot("b1", START)], False, id="being written"),
        pytest.param([bot("b1", START, completed=True)], True, id="completed"),
        pytest.param([bot("b1", START, completed=True), bot("b2", START + 1)], False, id="another is being written"),
        pytest.param([bot("b1", START, completed=True), user("u1", START + 1)], True, id="a user wrote after it"),
        pytest.param([bot("b9", START, completed=True)], None, id="it is not shown"),
        pytest.param([], None, id="no chat is shown"),
    ],
)
def test_what_the_chats_say(chats: list[object], expected: bool | None) -> None:  # noqa: FBT001 - of a table
    """Only the very chat that the run was writing, shown as completed, speaks against the run."""
    assert chat_completed(RUN, conversation(*chats)) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("running", "completed", "clash"),
    [
        (True, False, None),
        (True, None, None),
        (True, True, Clash.CHAT_COMPLETED),
        (False, False, Clash.NOT_RUNNING),
        (False, True, Clash.NOT_RUNNING),
        (False, None, Clash.NOT_RUNNING),
        (None, True, Clash.CHAT_COMPLETED),
        (None, False, None),
        (None, None, None),
    ],
)
def test_a_listed_run(running: bool | None, completed: bool | None, clash: Clash | None) -> None:  # noqa: FBT001 - of a table
    """Whatever denies that a listed run runs is a contradiction from the first sight of it on; silence is none."""
    seen = listed(RUN, running=running, completed=completed, at=START + 10).contradiction
    assert (seen.clash if seen else None) is clash
    assert seen is None or (seen.since, seen.until, seen.polls) == (START + 10, START + 10, 1)


@pytest.mark.parametrize(
    ("clash", "running", "completed", "goes_on"),
    [
        (Clash.NOT_RUNNING, None, None, True),
        (Clash.NOT_RUNNING, None, False, True),  # only /running takes back what /running said
        (Clash.NOT_RUNNING, True, None, False),
        (Clash.CHAT_COMPLETED, None, None, True),
        (Clash.CHAT_COMPLETED, True, None, True),
        (Clash.CHAT_COMPLETED, True, False, False),
        (Clash.CHAT_COMPLETED, None, False, False),
    ],
)
def test_unknown_ends_no_contradiction(
    clash: Clash,
    running: bool | None,  # noqa: FBT001 - of a table
    completed: bool | None,  # noqa: FBT001 - of a table
    goes_on: bool,  # noqa: FBT001 - of a table
) -> None:
    """A contradiction is over when the source that made it agrees, and stays untouched while that is silent."""
    before = replace(RUN, contradiction=contradiction(clash, polls=2))
    after = listed(before, running=running, completed=completed, at=START + 50)
    assert after == (before if goes_on else replace(before, contradiction=None))


def test_one_denial_goes_on_where_another_began() -> None:
    """That its chat is completed and that nothing runs are two signs of the same thing: the list is out of date."""
    first = listed(RUN, running=None, completed=True, at=START + 10)
    second = listed(first, running=False, completed=True, at=START + 20)
    assert second.contradiction == contradiction(Clash.NOT_RUNNING, since=START + 10, lasted=10, polls=2)


@pytest.mark.parametrize(
    ("of", "interval", "expected"),
    [
        pytest.param(contradiction(lasted=60, polls=3), INTERVAL, True, id="three polls and a minute"),
        pytest.param(contradiction(lasted=600, polls=2), INTERVAL, False, id="two polls"),
        pytest.param(contradiction(lasted=59, polls=30), INTERVAL, False, id="less than a minute"),
        pytest.param(contradiction(lasted=89, polls=3), 30.0, False, id="less than three intervals"),
        pytest.param(contradiction(lasted=90, polls=3), 30.0, True, id="three intervals"),
        pytest.param(contradiction(Clash.CHAT_COMPLETED, lasted=299, polls=30), INTERVAL, False, id="a pause"),
        pytest.param(contradiction(Clash.CHAT_COMPLETED, lasted=300, polls=30), INTERVAL, True, id="no pause any more"),
    ],
)
def test_what_lasts_stands(of: Contradiction, interval: float, expected: bool) -> None:  # noqa: FBT001 - of a table
    """A source that lags for seconds is no contradiction to tell; one that differs for minutes is."""
    assert stands(of, interval=interval) is expected
    assert is_urgent(replace(RUN, contradiction=of), interval=interval) is not expected


@given(answers=st.lists(st.tuples(ANSWERS, ANSWERS), max_size=30))
def test_any_answers(answers: list[tuple[bool | None, bool | None]]) -> None:
    """A contradiction is made of denials since the sources last agreed, and there is none without."""
    seen, denials = RUN, list[float]()
    for poll, (running, completed) in enumerate(answers):
        at = START + poll * 60.0
        seen = listed(seen, running=running, completed=completed, at=at)
        if running is True and completed is False:
            denials.clear()
        if running is False or completed is True:
            denials.append(at)
        held = seen.contradiction
        assert held is not None or running is not False
        assert held is None or (held.since in denials and held.until in denials and held.polls <= len(denials))


@pytest.mark.parametrize(
    ("of", "asked_at", "age", "expected"),
    [
        pytest.param(RUN, None, 899, False, id="young"),
        pytest.param(RUN, None, 900, True, id="a quarter of the limit"),
        pytest.param(RUN, START + 900, 1199, False, id="asked lately"),
        pytest.param(RUN, START + 900, 1200, True, id="asked five minutes ago"),
        pytest.param(replace(RUN, contradiction=contradiction()), START + 9, 10, True, id="in doubt"),
        pytest.param(replace(RUN, contradiction=contradiction()), None, 10, True, id="in doubt, never asked"),
        pytest.param(
            replace(RUN, contradiction=contradiction(lasted=60, polls=3)),
            START + 60,
            119,
            False,
            id="told, asked lately",
        ),
        pytest.param(
            replace(RUN, contradiction=contradiction(lasted=60, polls=3)), START + 60, 120, True, id="told a minute ago"
        ),
    ],
)
def test_when_running_is_asked(of: Run, asked_at: float | None, age: float, expected: bool) -> None:  # noqa: FBT001 - of a table
    """It costs a request in five minutes from a quarter of the limit on, and more only while something is wrong."""
    assert check_due(of, asked_at=asked_at, limit=3600, interval=INTERVAL, now=START + age) is expected


def test_a_hidden_run() -> None:
    """A run that lists lack for a minute, and that is not known to have ended, is hidden."""
    missing = replace(RUN, absent_since=START)
    assert not is_hidden(RUN, interval=INTERVAL, now=START + 999)
    assert not is_hidden(missing, interval=INTERVAL, now=START + 60)
    assert is_hidden(missing, interval=INTERVAL, now=START + 61)


def test_the_ledger_is_weighed_by_conversation() -> None:
    """What is said about one conversation is held against its run, and a run that has just begun is left alone."""
    open_runs = {"c1": RUN}
    sightings = [
        sighting(START + 10, bot("b1", START, completed=True), id_="c1"),
        sighting(START + 10, bot("b2", START + 9), id_="c2"),
    ]
    ledger: Ledger = reconcile(
        open_runs,
        sightings,
        project=PROJECT,
        complete=True,
        unreadable=(),
        asked_at=START + 10,
        not_running_at=START,
        gap=60.0,
    )
    weighed = weigh(ledger, sightings, {"c2": False}, at=START + 11)
    [followed] = weighed.followed
    assert followed.run.contradiction == contradiction(Clash.CHAT_COMPLETED, since=START + 11)
    assert weighed.begun == ledger.begun
