"""
How much the daemon says on a day on which little happens.

A soak counts what ten projects say in 24 hours; otherwise two projects are observed for an hour and a half, and what
they say in the last half hour is taken for what every further one of every project says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from monitor.alli.transport import Connections
from monitor.projects import Projects
from monitor.settings import HttpConfig, Settings
from monitor.simulator.server import app
from monitor.simulator.world import World
from monitor.storage_alarm import StorageAlarm
from tests.support.rig import Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT
from tests.support.soak import SOAK

_PROJECTS = 10
_HOURS = 24
_MOST_LINES = 500
_OBSERVED_PROJECTS, _OBSERVED_HOURS = (_PROJECTS, _HOURS) if SOAK else (2, 1.5)
_PATIENCE = 8 * 3600 if SOAK else 600
_INTERVALS = {"runs": "10s", "conversations": "30s", "evaluation": "15s"}


class _Switchboard(Connections):
    """Connections to simulated projects, each at the host of its name."""

    def __init__(self, worlds: dict[str, World]) -> None:
        super().__init__()
        self._http = httpx.AsyncClient(
            mounts={f"all://{name}.test": httpx.ASGITransport(app(world)) for name, world in worlds.items()}
        )

    def by(self, _config: HttpConfig) -> httpx.AsyncClient:
        """Return the one client that reaches them all."""
        return self._http

    async def aclose(self) -> None:
        """Close it."""
        await self._http.aclose()


async def _add_projects(rig: Rig, switchboard: _Switchboard, names: list[str]) -> None:
    """Let the monitor of `rig` watch more projects."""
    projects = Projects(
        commits=rig.commits,
        jobs=rig.jobs,
        alarm=StorageAlarm(rig.announcer, rig.clock),
        clock=rig.clock,
        connections=switchboard,
    )
    sections = {name: {"base_url": f"https://{name}.test", "api_key": "simulated-key"} for name in names}
    settings = Settings.model_validate({"projects": sections, "polling": _INTERVALS})
    await projects.adopt(settings, rig.rules)
    projects.schedule()


def _talk(world: World) -> str:
    """Let somebody ask something and have an answer, and return the id of the conversation."""
    conversation = world.add_conversation(app=world.add_app("Report"), user=world.add_user("user-1"))
    world.add_chat(conversation.id, "USER", "question")
    world.add_chat(conversation.id, "BOT", "answer")
    return conversation.id


@pytest.mark.timeout(_PATIENCE)
async def test_a_quiet_day_with_ten_projects_is_under_500_lines(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With the default intervals a project says something at the start, and then only what happens: one run each."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling=_INTERVALS) as rig:
        others = {f"project-{number}": World(rig.clock) for number in range(1, _OBSERVED_PROJECTS)}
        switchboard = _Switchboard(others)
        await _add_projects(rig, switchboard, list(others))
        talks = [(world, _talk(world)) for world in (rig.world, *others.values())]
        await rig.run_for(1800)
        for world, conversation_id in talks:
            world.start_run(conversation_id)
        await rig.run_for(40)
        for world, conversation_id in talks:
            world.finish_run(conversation_id)
        await rig.run_for(1760)
        first_hour = _lines(rig)
        await rig.run_for((_OBSERVED_HOURS - 1) * 3600)
        an_hour = (_lines(rig) - first_hour) / (_OBSERVED_HOURS - 1)
        await switchboard.aclose()
    lines = (first_hour + (_HOURS - 1) * an_hour) * _PROJECTS / _OBSERVED_PROJECTS
    record_property("lines a day", lines)
    assert lines < _MOST_LINES, rig.logs


def _lines(rig: Rig) -> int:
    """Return how much was said so far at the level of `info` and above."""
    return sum(line["log_level"] != "debug" for line in rig.logs)
