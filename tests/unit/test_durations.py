from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from monitor.durations import Duration, format_duration, parse_duration, parse_moment

DURATION: TypeAdapter[float] = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("7d", 604800.0),
        ("2w", 1209600.0),
        ("1y", 31536000.0),
        ("100ms", 0.1),
        ("1m100ms", 60.1),
        ("1y2w3d4h5m6s7ms", 31536000.0 + 1209600 + 259200 + 14400 + 300 + 6 + 0.007),
    ],
)
def test_reads_what_prometheus_reads(text: str, seconds: float) -> None:
    """Each unit, and units from large to small, are summed up to seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "60",
        "1.5h",
        "-5m",
        "1m1h",
        "1h1h",
        "5 m",
        " 5m",
        "5m\n",
        "5min",
        "5M",
        "m",
        "\u0665m",
        "1e3s",
        "1" * 10 + "s",
    ],
)
def test_refuses_what_prometheus_refuses(text: str) -> None:
    """A number without unit, a fraction, a sign, the wrong order and other units are no durations."""
    with pytest.raises(ValueError, match=r"is not a duration; write it as 90s, 1h30m or 7d$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0001, "0s"),
        (0.1, "100ms"),
        (59.999, "59s999ms"),
        (5400.0, "1h30m"),
        (90061.0, "1d1h1m1s"),
        (-60, "-1m"),
    ],
)
def test_writes_the_shortest_text(seconds: float, text: str) -> None:
    """Seconds are written with the fewest units, to the millisecond."""
    assert format_duration(seconds) == text


@given(milliseconds=st.integers(0, 10**12))
def test_what_is_written_can_be_read(milliseconds: int) -> None:
    """Reading gives back what was written, to the millisecond."""
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@given(text=st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Whatever the text is, reading it gives seconds that are not negative, or a ValueError."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    assert seconds >= 0.0


@pytest.mark.parametrize("value", [60, 1.5, True, None, ["5m"]])
def test_a_field_takes_text_only(value: object) -> None:
    """A field that holds a duration refuses a number: its unit would be a guess."""
    with pytest.raises(ValidationError, match="a duration is text with a unit, such as 90s, 1h30m or 7d"):
        DURATION.validate_python(value)


def test_a_field_is_written_as_it_is_read() -> None:
    """A field that holds a duration is written as text again."""
    assert DURATION.dump_python(DURATION.validate_python("90m")) == "1h30m"


NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("2027-01-15T08:01Z", 60),
        ("2027-01-15T08:01", 60),
        ("2027-01-15T17:01:30+09:00", 90),
        ("2027-01-16", 57600),
    ],
)
def test_a_moment_is_a_duration_from_now_or_a_time(text: str, seconds: float) -> None:
    """A duration counts from now; a time without a zone is UTC."""
    assert parse_moment(text, NOW) == NOW + seconds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "neither a duration"),
        ("tomorrow", "neither a duration"),
        ("-1h", "neither a duration"),
        ("2027-13-01", "neither a duration"),
        ("2027-01-15T08:00Z", "not in the future"),
        ("0s", "not in the future"),
        ("0001-01-01T00:00+14:00", "not in the future"),
    ],
)
def test_a_moment_that_has_passed_or_is_none_is_refused(text: str, says: str) -> None:
    """What is neither a duration nor a time, and what is over, says so."""
    with pytest.raises(ValueError, match=says):
        parse_moment(text, NOW)
