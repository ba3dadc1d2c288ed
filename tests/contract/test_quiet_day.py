"""How much the daemon says on a day on which little happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rig import open_rig
from tests.support.rig_rules import OVER_LIMIT

_PROJECTS = 10
_MOST_LINES = 500
_HOURS = 2


@pytest.mark.timeout(600)
async def test_a_quiet_day_with_ten_projects_is_under_500_lines(tmp_path: Path) -> None:
    """
    With the default intervals one project says something at the start, and then only what happens.

    Two hours are observed: the first as it is, the other as what every further hour says. One run comes and goes.
    """
    intervals = {"runs": "10s", "conversations": "30s", "evaluation": "15s"}
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling=intervals) as rig:
        conversation = rig.talk("question", ">answer")
        await rig.run_for(1800)
        rig.start_run(conversation)
        await rig.run_for(40)
        rig.world.finish_run(conversation.id)
        await rig.run_for(1760)
        first_hour = len(rig.logs)
        await rig.run_for((_HOURS - 1) * 3600)
        an_hour = (len(rig.logs) - first_hour) / (_HOURS - 1)
    assert _PROJECTS * (first_hour + 23 * an_hour) < _MOST_LINES, rig.logs
