"""A project that is too large for its request budget: what is put off, what is not, and that it is said."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.support.rig import PROJECT, Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT

_PAGES = 40
_TIGHT: dict[str, Any] = {
    "projects": {PROJECT: {"requests_per_minute": 20}},
    "polling": {
        "runs": "10s",
        "conversations": "30s",
        "ratings": [{"younger_than": "2h", "every": "5m"}, {"younger_than": "24h", "every": "30m"}],
    },
}
"""Of 20 requests a minute the lists of runs and changes take 8, which leaves 4 for 8 that the look-back wants."""


def interval(rig: Rig, poll: str) -> float:
    """Return the interval that `/metrics` shows."""
    value = rig.metrics.registry.get_sample_value(
        "alli_monitor_poll_interval_seconds", {"project": PROJECT, "poll": poll}
    )
    assert value is not None
    return value


async def test_the_look_back_waits_and_the_lists_do_not(tmp_path: Path) -> None:
    """With more conversations than the budget can sweep in time, the coldest tier waits first, and this is said."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **_TIGHT) as rig:
        for _ in range(50 * _PAGES):
            rig.talk()
        await rig.run_for(1200)
        assert interval(rig, "runs") == 10
        assert interval(rig, "conversations") == 30
        assert 500 < interval(rig, "ratings_7200s") < 700
        assert math.isinf(interval(rig, "ratings_86400s"))
        told = [line for line in rig.logs if line["event"] == "request budget"]
        assert [sorted(line["put_off"]) for line in told][-1] == ["ratings_7200s", "ratings_86400s"]
        assert len(told) <= 3


async def test_a_project_that_fits_keeps_every_interval(tmp_path: Path) -> None:
    """With room in the budget nothing is put off, and nothing is said."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling=_TIGHT["polling"]) as rig:
        rig.talk()
        await rig.run_for(700)
        assert interval(rig, "ratings_7200s") == 300
        assert not [line for line in rig.logs if line["event"] == "request budget"]


async def test_many_runs_at_once_are_no_shortage(tmp_path: Path) -> None:
    """Each of them is confirmed once: for that nothing is put off, and nothing is said."""
    project = {PROJECT: {"requests_per_minute": 60}}
    async with open_rig(tmp_path, rules=OVER_LIMIT, projects=project, polling=_TIGHT["polling"]) as rig:
        for _ in range(12):
            rig.start_run()
        await rig.run_for(120)
        assert interval(rig, "ratings_7200s") == 300
        assert not [line for line in rig.logs if line["event"] == "request budget"]
