"""The matrix: the servers on which the main acceptance world is played, and how it is watched there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitor.simulator.options import Options
from monitor.simulator.world import World
from tests.support.matrix_story import Story
from tests.support.rig import PROJECT
from tests.support.rig_rules import NEGATIVE, NEGATIVE_BY_AGENT, OVER_LIMIT
from tests.support.unknowns import FACTORS, Choice, covering, options, title

__all__ = ["BEFORE", "BEGINS_AFTER", "POLLS", "ROWS", "RULES", "SETTINGS", "Row"]

BEFORE = 30.0
"""Seconds for which the world is there before the monitor comes."""

POLLS = 10.0
"""Seconds between two polls of what runs, the first when the monitor comes: the default."""

BEGINS_AFTER = 3.25 * POLLS
"""
Seconds from then on until something happens that the monitor has to tell.

The story takes steps of half a poll. None is to fall together with one: how a server's time that is known to the second
orders the two would be chance.
"""

RULES = OVER_LIMIT + NEGATIVE + NEGATIVE_BY_AGENT
"""The rules of the monitor, as the rig takes them."""

SETTINGS: dict[str, Any] = {
    "projects": {PROJECT: {"requests_per_minute": 600}},
    "apps": [{"match": "*", "run_limit": "60s"}],
    "auto_stop": {"mode": "enforce", "apps": ["Report*"]},
    "polling": {
        "ratings": [
            {"younger_than": "2h", "every": "1m"},
            {"younger_than": "24h", "every": "2m"},
            {"younger_than": "7d", "every": "3m"},
        ]
    },
}
"""What the monitor is configured to do, without where the server is and who is told."""

_LIMIT = 60.0
_LATE = 45.0  # both the list and `/running` may lag by 20 s, and then comes a poll
_AT_THE_START = "at the start"  # what a probe finds out depends on whether anything runs then
_SOMETHING, _NOTHING = "something runs", "nothing runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A server, as the level of each factor, and whether something runs there when the monitor comes."""

    choice: Choice
    runs_at_start: bool

    def __str__(self) -> str:
        return title(self.choice)

    @property
    def options(self) -> Options:
        """The options of this server."""
        return options(self.choice)

    def story(self, world: World) -> Story:
        """Return the story that is played in `world`, one with these options."""
        return Story(world, limit=_LIMIT, late=_LATE, runs_at_start=self.runs_at_start)


def _rows() -> list[Row]:
    found = covering({**FACTORS, _AT_THE_START: {_SOMETHING: {}, _NOTHING: {}}})
    return [Row(runs_at_start=choice.pop(_AT_THE_START) == _SOMETHING, choice=choice) for choice in found]


ROWS = _rows()
"""A server for each two levels, of two factors, that may meet."""
