from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify.http import Answer, redact_url, rfc3339


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example.com/services/T0/B0/secret", "https://hooks.example.com"),
        ("http://user:password@127.0.0.1:9099/hook?token=secret#secret", "http://127.0.0.1:9099"),
        ("http://[::1]:9099/secret", "http://[::1]:9099"),
        ("http://[::1/secret", "the configured address"),
        ("secret", "the configured address"),
        ("", "the configured address"),
    ],
)
def test_redacts_addresses(url: str, shown: str) -> None:
    """Of an address only scheme, host and port are shown, and nothing of what is no address."""
    assert redact_url(url) == shown


@given(st.text())
def test_redacts_anything(text: str) -> None:
    """Redacting never fails and never shows what stands behind a host."""
    assert "SECRET" not in redact_url(f"https://example.com/{text}SECRET")
    redact_url(text)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000.0, "2026-09-21T14:13:20.000Z"),
        (1_790_000_000.25, "2026-09-21T14:13:20.250Z"),
        (-5.0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000_000.0, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_writes_moments(moment: float, text: str) -> None:
    """Moments are written in UTC with milliseconds; those that the format cannot hold become its ends."""
    assert rfc3339(moment) == text


@given(st.floats(0, 4e9))
def test_written_moments_are_read_back(moment: float) -> None:
    """What is written is the moment cut off to the millisecond, so that an end is not put into the future."""
    microsecond = 1e-6  # finer ones are lost on the way
    late = moment - datetime.fromisoformat(rfc3339(moment)).timestamp()
    assert -microsecond < late < 0.001 + microsecond


@given(st.integers(100, 999))
def test_judges_every_status(status: int) -> None:
    """Exactly the statuses of success are an acceptance, and whatever else is an error of ours names the status."""
    answer = Answer(server="https://example.com", status=status)
    if 200 <= status < 300:
        answer.check()
        return
    with pytest.raises((DeliveryDelayed, DeliveryRefused), match=f"https://example.com answered {status}"):
        answer.check()
