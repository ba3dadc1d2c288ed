"""
Simulated projects in a process of their own: ``python -m tests.benchmarks.worlds PROJECTS CONVERSATIONS CLOCK``.

Each project has so many conversations of the last seven days, a twentieth of them of the last two hours and a quarter
of the last day, and new ones at the rate that follows. A conversation has two questions with their answers, one answer
in ten is rated, and a new one begins with a background run of two minutes. CLOCK is what `as_argument` makes of one.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import sys
from functools import partial

from starlette.applications import Starlette
from starlette.routing import Mount

from monitor.clock import Clock
from monitor.simulator.entities import App, RunKind, RunPlan, User
from monitor.simulator.server import app, serve_app
from monitor.simulator.world import World

__all__ = ["populated"]

_HOUR = 3600.0
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
_BANDS = ((0.05, 0.0, 2 * _HOUR), (0.25, 2 * _HOUR, _DAY), (0.7, _DAY, _WEEK))  # share, from, to
_USERS = 50
_ONE_IN = 10  # answers that are rated
_RUN = RunPlan(kind=RunKind.FINISHES, duration=120.0)
_AHEAD = 6 * _HOUR  # how long new conversations go on to come


def populated(clock: Clock, count: int) -> World:
    """Return a project with `count` conversations."""
    world = World(clock)
    reports, users = world.add_app("Report"), [world.add_user(f"user-{number}") for number in range(_USERS)]
    start = clock.now()
    number = 0
    for share, youngest, oldest in _BANDS:
        band = round(count * share)
        for place in range(band):
            number += 1
            ago = youngest + 60 + (oldest - youngest - 120) * place / band
            _talk(world, reports, users[number % _USERS], start - ago, rated=number % _ONE_IN == 0)
    every = _WEEK / count
    for each in range(1, int(_AHEAD / every) + 1):
        user = users[each % _USERS]
        world.at(start + each * every, partial(_begin, world, reports, user, rated=each % _ONE_IN == 0))
    return world


def _talk(world: World, app: App, user: User, ended: float, *, rated: bool) -> None:
    conversation = world.add_conversation(app=app, user=user, at=ended - 40)
    for offset, sender in ((-40, "USER"), (-30, "BOT"), (-10, "USER"), (0, "BOT")):
        world.add_chat(conversation.id, sender, "What do the figures of this week say?", at=ended + offset)
    if rated:
        world.rate(conversation.chats[-1].id, vote=True)


def _begin(world: World, app: App, user: User, *, rated: bool) -> None:
    conversation = world.add_conversation(app=app, user=user)
    world.add_chat(conversation.id, "USER", "The report of this week, please.")
    answer = world.add_chat(conversation.id, "BOT", "With pleasure.")
    world.add_chat(conversation.id, "USER", "With all figures.")
    world.start_run(conversation.id, _RUN)
    if rated:
        world.rate(answer.id, vote=True)


async def main(projects: int, conversations: int, clock: Clock) -> None:
    """Serve until the process is ended; the first line on standard output is the address."""
    worlds = {f"p{number}": populated(clock, conversations) for number in range(projects)}
    application = Starlette(routes=[Mount(f"/{name}", app(world)) for name, world in worlds.items()])
    async with serve_app(application) as url:
        print(url, flush=True)  # noqa: T201 - whoever started it reads this
        await asyncio.Event().wait()


if __name__ == "__main__":
    _clock = pickle.loads(base64.b64decode(sys.argv[3]))  # noqa: S301 - the benchmark that starts this made it
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), _clock))
