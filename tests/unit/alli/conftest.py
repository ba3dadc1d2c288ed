"""Retries of the API client wait for nothing here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina


@pytest.fixture(autouse=True)
def no_waits_between_attempts() -> Iterator[None]:
    """Let retries follow at once, in their real number."""
    with stamina.set_testing(True, attempts=3):
        yield
