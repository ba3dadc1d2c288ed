"""What time it is at Alli."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alli.server_time import ServerTime, parse_http_date
from tests.support.clock import ManualClock

START = 1_800_000_000.0


class JumpingClock(ManualClock):
    """A clock whose wall time can be set without moving its monotonic time."""

    jumped = 0.0

    def now(self) -> float:
        """Own time, as far as it was set."""
        return super().now() + self.jumped

    def monotonic(self) -> float:
        """Seconds since an arbitrary start that has nothing to do with own time."""
        return super().now() - START + 1234.5


def answer(server_time: ServerTime, clock: ManualClock, ahead: float, took: float = 0.2) -> None:
    """Let the server, whose clock is `ahead`, answer in the middle of a request."""
    asked = clock.monotonic()
    header = formatdate(clock.now() + took / 2 + ahead, usegmt=True)
    clock.advance(took)
    server_time.observe(header, asked, clock.monotonic())


@pytest.fixture
def clock() -> JumpingClock:
    """Return the clock of this machine."""
    return JumpingClock(START)


def test_without_an_answer_it_is_own_time_and_unproven(clock: JumpingClock) -> None:
    """Until Alli has told its time, own time stands in for it, and says so."""
    server_time = ServerTime(clock)
    assert (server_time.now(), server_time.offset(), server_time.proven) == (START, 0.0, False)


@given(st.lists(st.floats(0.0, 1.5), min_size=1, max_size=30), st.floats(0, 1))
def test_synchronised_clocks_have_no_offset_at_all(durations: list[float], fraction: float) -> None:
    """The header's whole seconds and slow answers do not make ages jitter."""
    clock = JumpingClock(START + fraction)
    server_time = ServerTime(clock)
    for took in durations:
        answer(server_time, clock, ahead=0.0, took=took)
        clock.advance(7.3)
    assert server_time.proven
    assert server_time.offset() == pytest.approx(0.0, abs=1e-6)


def test_a_clock_that_is_off_is_followed_at_once(clock: JumpingClock) -> None:
    """The first answer is enough to correct a clock that is minutes wrong, to within half a second."""
    server_time = ServerTime(clock)
    answer(server_time, clock, ahead=-300)
    assert server_time.offset() == pytest.approx(-300, abs=0.5)
    assert server_time.to_own(server_time.now()) == pytest.approx(clock.now())


def test_a_jump_of_the_own_wall_clock_does_not_move_server_time(clock: JumpingClock) -> None:
    """When somebody sets this machine's clock, ages stay right, and the offset tells of it."""
    server_time = ServerTime(clock)
    answer(server_time, clock, ahead=0)
    before = server_time.now()
    clock.jumped = 3600
    clock.advance(10)
    assert server_time.now() == pytest.approx(before + 10)
    assert server_time.offset() == pytest.approx(-3600)


def test_one_odd_answer_among_many_changes_nothing(clock: JumpingClock) -> None:
    """The median of nine answers shrugs off a single wrong header."""
    server_time = ServerTime(clock)
    for _ in range(5):
        answer(server_time, clock, ahead=0)
    answer(server_time, clock, ahead=86400)
    assert server_time.offset() == pytest.approx(0.0, abs=1e-6)


def test_a_server_whose_clock_was_set_is_followed_within_nine_answers(clock: JumpingClock) -> None:
    """Old answers leave the window, so a lasting change wins."""
    server_time = ServerTime(clock)
    for _ in range(9):
        answer(server_time, clock, ahead=0)
    for _ in range(5):
        answer(server_time, clock, ahead=60)
    assert server_time.offset() == pytest.approx(60, abs=0.6)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "yesterday",
        "Fri, 99 Abc 2027 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 01 Jan 9999 00:00:00 GMT",
    ],
)
def test_a_header_that_is_no_believable_date_teaches_nothing(clock: JumpingClock, header: str | None) -> None:
    """Missing, invalid and absurd dates are ignored."""
    server_time = ServerTime(clock)
    server_time.observe(header, 0.0, 0.1)
    assert (server_time.proven, server_time.offset()) == (False, 0.0)


@given(st.text())
def test_any_text_is_a_date_or_nothing(text: str) -> None:
    """Reading a header never raises."""
    at = parse_http_date(text)
    assert at is None or 978_307_200 <= at <= 4_102_444_800
