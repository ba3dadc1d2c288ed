"""What to think of a command that runs pip."""

from __future__ import annotations

import subprocess

import pytest

__all__ = ["require_success"]


def require_success(ran: subprocess.CompletedProcess[str]) -> None:
    """Skip the test if pip could reach no package index, and fail it if anything else went wrong."""
    if ran.returncode and "connection broken by" in ran.stderr:
        pytest.skip("no package index can be reached")
    assert ran.returncode == 0, ran.stderr
