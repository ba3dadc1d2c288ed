"""Which unit a time is in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alli.units import TimeUnit, UnclearTime, Units, object_id
from tests.unit.alli.kit import START, make_id

EARLIEST, LATEST = 978_307_200.0, 4_102_444_800.0


def make_units(unit: TimeUnit = "auto") -> tuple[Units, Counter[str]]:
    """Return units and what they count."""
    drifts = Counter[str]()

    def drifted(kind: str) -> None:
        drifts[kind] += 1

    return Units(unit, drifted), drifts


@given(st.floats(EARLIEST + 1, LATEST - 1), st.sampled_from([1, 1e3, 1e6]))
def test_seconds_milliseconds_and_microseconds_are_told_apart_by_size(at: float, per_second: float) -> None:
    """Every time between 2001 and 2100 is understood in each unit, without any id to help."""
    units, drifts = make_units()
    assert units.seconds(at * per_second) == pytest.approx(at)
    assert not drifts


def test_the_documented_example_agrees_with_its_id() -> None:
    """A chat of the API's own documentation: its time is milliseconds, as its id says."""
    units, drifts = make_units()
    assert units.seconds(1615246647609.666, "Q2hhdDo2MDQ2YjUzNzJkYWQwMDI2ZTkxYzI5ZDE=") == pytest.approx(
        1615246647.609666
    )
    assert not drifts


def test_a_time_that_contradicts_the_id_is_refused_and_counted() -> None:
    """Nothing is guessed when the id says another time than the value."""
    units, drifts = make_units()
    with pytest.raises(UnclearTime):
        units.seconds((START + 90_000) * 1000, make_id("Chat", START))
    assert drifts == {"time_unit": 1}


def test_less_than_a_day_between_value_and_id_is_agreement() -> None:
    """An object may be written a while after its id was made."""
    units, drifts = make_units()
    assert units.seconds(START + 86_000, make_id("Chat", START)) == START + 86_000
    assert not drifts


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), -START, 0.0, 1.0, 5e9, 9e11, 5e12, 1e15 * 5, 1e300]
)
def test_values_that_are_no_time_are_refused(value: float) -> None:
    """Not a number, without end, negative, before 2001, after 2100: none of these is a time."""
    with pytest.raises(UnclearTime):
        make_units()[0].seconds(value)


def test_a_configured_unit_is_not_inferred() -> None:
    """A configured unit holds even where the size says otherwise, which then is no believable time."""
    units, _ = make_units("s")
    with pytest.raises(UnclearTime):
        units.seconds(START * 1000)
    assert units.seconds(START) == START


def test_a_configured_unit_still_counts_contradicting_ids() -> None:
    """The operator's word holds, but the contradiction shows in the metrics."""
    units, drifts = make_units("ms")
    assert units.seconds((START + 90_000) * 1000, make_id("Chat", START)) == START + 90_000
    assert drifts == {"time_unit": 1}


@pytest.mark.parametrize(
    ("seen", "sent"),
    [(None, "1800000000000"), (1.0, "1800000000.000"), (1e3, "1800000000000"), (1e6, "1800000000000000")],
)
def test_filters_are_sent_in_the_unit_that_answers_use(seen: float | None, sent: str) -> None:
    """Milliseconds until an answer shows another unit; always plain decimals."""
    units, _ = make_units()
    if seen is not None:
        units.seconds(START * seen)
    assert units.filter_value(START) == sent


def test_a_configured_unit_is_that_of_the_first_filter() -> None:
    """What the operator says need not be learnt."""
    units, _ = make_units("s")
    assert units.known
    assert units.filter_value(START) == "1800000000.000"


def test_a_refused_value_does_not_change_the_unit_of_filters() -> None:
    """Only what was understood decides in which unit we ask."""
    units, _ = make_units()
    with pytest.raises(UnclearTime):
        units.seconds(START, make_id("Chat", START - 200_000))
    assert not units.known
    assert units.filter_value(START) == "1800000000000"


@given(st.floats(EARLIEST, LATEST), st.sampled_from(["auto", "s", "ms"]))
def test_filters_never_have_an_exponent(at: float, unit: TimeUnit) -> None:
    """Every moment is written with digits and at most one point."""
    assert set(make_units(unit)[0].filter_value(at)) <= set("0123456789.")


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("Q2hhdDo2MDQ2YjUzNzJkYWQwMDI2ZTkxYzI5ZDE=", "6046b5372dad0026e91c29d1"),
        ("Q2hhdDo2MDQ2YjUzNzJkYWQwMDI2ZTkxYzI5ZDE", "6046b5372dad0026e91c29d1"),
        ("6046B5372DAD0026E91C29D1", "6046b5372dad0026e91c29d1"),
        ("not base64!", None),
        ("", None),
        ("Q2hhdDoxMjM=", None),
        ("가나다라", None),
    ],
)
def test_object_ids_are_found_bare_and_in_base64(text: str, digits: str | None) -> None:
    """Both forms of an id are understood; other ids say nothing."""
    assert object_id(text) == digits


def test_an_id_of_the_same_shape_but_no_time_is_not_compared() -> None:
    """24 digits that would mean a time before 2001 are some other kind of id."""
    units, drifts = make_units()
    assert units.seconds(START, "000000000000000000000001") == START
    assert not drifts


@given(st.text())
def test_any_text_has_an_object_id_or_none(text: str) -> None:
    """Looking for an ObjectId never raises."""
    assert object_id(text) is None or len(object_id(text) or "") == 24
