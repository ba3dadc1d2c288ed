"""How long the long tests are: short ones for every change, and their full length with HYPOTHESIS_PROFILE=soak."""

from __future__ import annotations

import os

__all__ = ["PROFILE", "SOAK"]

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")  # noqa: TID251 - a setting of the tests, not of the monitor
"""The name of the Hypothesis profile."""

SOAK = PROFILE == "soak"
"""Whether the long tests are to have their full length, which takes hours."""
