"""The daily count: shown for the last finished day, absent while it is unknown, and never in the way of anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.options import DailyCount, Options
from tests.support.rig import PROJECT, Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT

_DAY = 86400.0
_SELDOM: dict[str, Any] = {"runs": "60s", "conversations": "60s", "evaluation": "60s", "daily_count": "5m"}


def shown(rig: Rig) -> float | None:
    """Return what `/metrics` shows."""
    return rig.metrics.registry.get_sample_value("alli_daily_conversations", {"project": PROJECT})


async def test_the_last_finished_day_is_shown_in_the_zone_of_the_project(tmp_path: Path) -> None:
    """Conversations of the day before are counted, those of today not yet; a day later today's are."""
    zone: dict[str, Any] = {"projects": {PROJECT: {"timezone": "Asia/Seoul"}}}
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(timezone="Asia/Seoul"), **zone) as rig:
        for days_ago, count in ((1, 3), (0, 2)):
            for _ in range(count):
                conversation = rig.world.add_conversation(
                    app=rig.world.add_app("Report"), user=rig.world.add_user("u"), at=rig.now - days_ago * _DAY
                )
                rig.world.add_chat(conversation.id, "USER", "question", at=rig.now - days_ago * _DAY)
        await rig.run_for(60)
        assert shown(rig) == 3
        await rig.restart(after=_DAY)
        await rig.run_for(60)
        assert shown(rig) == 2


@pytest.mark.parametrize("kind", [DailyCount.FORBIDDEN, DailyCount.BODY_DROPPED])
async def test_a_refused_count_disables_this_alone(tmp_path: Path, kind: DailyCount) -> None:
    """A 403, or a proxy that drops the body, leaves the metric out: not asked again soon, and not alerted on."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(daily_count=kind), polling=_SELDOM) as rig:
        for hours in (3, 2, 1):  # on which the probe can try the time filters, so that it is not made again
            conversation = rig.world.add_conversation(
                app=rig.world.add_app("Report"), user=None, at=rig.now - hours * 3600
            )
            rig.world.add_chat(conversation.id, "USER", "question", at=rig.now - hours * 3600)
        await rig.run_for(1800)
        assert shown(rig) is None
        assert rig.requests("daily_count") <= 2
        assert not await rig.open_alerts("MonitorApiAuth", "MonitorDegraded", "MonitorBlind")
