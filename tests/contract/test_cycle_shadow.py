"""What stops would have done: recorded once, judged by what the run did then, and never carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.model.run import Outcome
from monitor.model.stop import StopMode, StopResult, Verdict
from tests.support.rig import PROJECT, START, Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT

SHADOW: dict[str, Any] = {"auto_stop": {"mode": "shadow", "apps": []}}


def verdicts(rig: Rig, verdict: str) -> float:
    """Return how many shadow stops the metrics count with a verdict."""
    labels = {"project": PROJECT, "app": "Report", "verdict": verdict}
    return rig.metrics.registry.get_sample_value("alli_run_shadow_verdicts_total", labels) or 0.0


async def test_a_stop_that_would_have_been_is_recorded_once(tmp_path: Path) -> None:
    """One line in the journal and one alert with action=shadow for one run, however long it goes on."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SHADOW) as rig:
        rig.start_run()
        await rig.run_for(250)
        stop = await rig.the_stop()
        assert (stop.mode, stop.result) == (StopMode.SHADOW, StopResult.SHADOW)
        assert round(stop.decided_at - START) == 60
        [told] = rig.inbox.about("RunOverLimit")
        assert (told.action, round(told.at - START)) == ("shadow", 60)
        assert rig.requests("stop_conversation") == 0
        assert rig.requests("get_conversation") == 1, "the probe's, none before a stop"


@pytest.mark.parametrize(
    ("duration", "verdict"), [(95, Verdict.REGRETTED), (115, Verdict.REGRETTED), (135, Verdict.JUSTIFIED)]
)
async def test_a_verdict_tells_whether_the_run_ended_by_itself(
    tmp_path: Path, duration: float, verdict: Verdict
) -> None:
    """A run that ends within one more limit would have been stopped for nothing."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SHADOW) as rig:
        rig.start_run(duration=duration)
        await rig.run_for(170)
        assert (await rig.the_stop()).verdict is verdict
        assert (await rig.the_run()).outcome is Outcome.FINISHED
        assert verdicts(rig, verdict.value) == 1
        async with rig.store.snapshot() as tx:
            assert await tx.stops.verdicts(PROJECT) == {verdict: 1}


async def test_a_run_that_goes_on_is_judged_once_it_was_seen_after_one_more_limit(tmp_path: Path) -> None:
    """Until then, and while nothing is observed, there is no verdict."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SHADOW) as rig:
        rig.start_run()
        await rig.run_for(115)
        assert (await rig.the_stop()).verdict is None
        rig.world.revoke_key()
        await rig.run_for(60)
        assert (await rig.the_stop()).verdict is None
        rig.world.restore_key()
        await rig.run_for(60)
        assert (await rig.the_stop()).verdict is Verdict.JUSTIFIED


async def test_shadow_spends_a_simulated_budget(tmp_path: Path) -> None:
    """What enforce would have had no budget for is refused in shadow as well."""
    settings: dict[str, Any] = {"auto_stop": {"mode": "shadow", "budget": {"per_hour": 1}}}
    async with open_rig(tmp_path, rules=OVER_LIMIT, **settings) as rig:
        for _ in range(2):
            rig.start_run()
        await rig.run_for(100)
        assert sorted(told.action or "" for told in rig.inbox.about("RunOverLimit")) == ["refused", "shadow"]
        assert not rig.inbox.about("StopBudgetSpent")


async def test_shadow_leaves_the_budget_of_enforce_alone(tmp_path: Path) -> None:
    """An app in shadow uses nothing up that an app in enforce may need."""
    settings: dict[str, Any] = {
        "auto_stop": {"mode": "enforce", "budget": {"per_hour": 1}},
        "apps": [
            {"match": "Trial", "run_limit": "60s", "auto_stop": {"mode": "shadow"}},
            {"match": "*", "run_limit": "60s"},
        ],
    }
    async with open_rig(tmp_path, rules=OVER_LIMIT, **settings) as rig:
        rig.start_run(rig.talk(app_name="Trial"))
        await rig.run_for(20)
        rig.start_run(rig.talk(app_name="Report"))
        await rig.run_for(100)
        assert {stop.app.name: stop.result for stop in await rig.stops() if stop.app} == {
            "Trial": StopResult.SHADOW,
            "Report": StopResult.STOPPED,
        }


async def test_a_shadow_stop_survives_a_restart(tmp_path: Path) -> None:
    """A daemon that comes back neither repeats it nor forgets to judge it."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SHADOW) as rig:
        rig.start_run(duration=90)
        await rig.run_for(70)
        await rig.restart(after=10)
        await rig.run_for(60)
        assert (await rig.the_stop()).verdict is Verdict.REGRETTED
        assert rig.inbox.transitions("RunOverLimit") == ["firing", "resolved"]
