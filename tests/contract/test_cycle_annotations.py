"""What an alert says beyond its rule: the runbook of its app, and times where its project is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monitor.simulator.faults import Fault, FaultKind
from tests.support.rig import PROJECT, open_rig
from tests.support.rig_rules import NEGATIVE, tell

_APPS: list[dict[str, Any]] = [
    {"match": "Report", "run_limit": "60s", "runbook_url": "https://wiki.test/reports"},
    {"match": "*", "run_limit": "60s"},
]
_OWN = """
- alert: Own
  on: run
  expr: run.age >= duration("0s")
  annotations: {runbook_url: "https://wiki.test/own"}
"""


async def test_an_app_brings_its_runbook(tmp_path: Path) -> None:
    """Alerts about runs and ratings of an app lead to its runbook, unless the rule has one; other apps have none."""
    rules = NEGATIVE + _OWN + tell('run.age >= duration("0s")', name="Any")
    async with open_rig(tmp_path, rules=rules, apps=_APPS) as rig:
        await rig.run_for(20)
        rated = rig.talk("question", ">answer")
        rig.world.rate(rated.chats[-1].id, vote=False)
        rig.start_run()
        rig.start_run(rig.talk(app_name="Archivist"))
        await rig.run_for(40)
        found = {
            (told.rule, told.entry.labels["app"]): told.entry.annotations.get("runbook_url")
            for told in rig.inbox.told
            if told.rule in {"NegativeRating", "Own", "Any"}
        }
        assert found == {
            ("NegativeRating", "Report"): "https://wiki.test/reports",
            ("Own", "Report"): "https://wiki.test/own",
            ("Own", "Archivist"): "https://wiki.test/own",
            ("Any", "Report"): "https://wiki.test/reports",
            ("Any", "Archivist"): None,
        }


async def test_a_blind_time_is_told_in_the_zone_of_the_project(tmp_path: Path) -> None:
    """What was not observed before an alert is told in local time, with the name of the zone."""
    zone: dict[str, Any] = {"projects": {PROJECT: {"timezone": "Asia/Seoul"}}}
    async with open_rig(tmp_path, rules=tell('run.age >= duration("0s")', name="Any"), **zone) as rig:
        await rig.run_for(20)
        rig.world.faults.add(Fault(kind=FaultKind.ERROR, status=503))
        await rig.run_for(300)
        rig.world.faults.remove()
        rig.start_run()
        await rig.run_for(60)
        [told] = rig.inbox.about("Any")
        assert told.entry.annotations["coverage"].startswith("not observed from 2027-01-15 17:0")
        assert " KST, for " in told.entry.annotations["coverage"]
