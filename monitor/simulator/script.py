"""Lets a scenario happen in a world."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from monitor.clock import Clock
from monitor.durations import format_duration
from monitor.errors import ConfigError
from monitor.simulator.entities import Chat, RunPlan
from monitor.simulator.faults import Fault
from monitor.simulator.generation import generate
from monitor.simulator.options import Options
from monitor.simulator.scenario import (
    ChatSpec,
    ConversationSpec,
    DeletionSpec,
    FaultSpec,
    GrowthSpec,
    RatingSpec,
    RunSpec,
    Scenario,
)
from monitor.simulator.world import World

__all__ = ["build_world"]

_VOTES = {"positive": True, "negative": False, "none": None}


def build_world(scenario: Scenario, clock: Clock) -> World:
    """
    Return the world of `scenario`, which starts now.

    When a script rates or deletes a chat that is not there, the look at the world that would play it raises
    ConfigError.
    """
    world = World(clock, Options(**dict(scenario.server)), seed=scenario.seed)
    for app in scenario.apps:
        world.add_app(app.name, app_id=app.id, description=app.description)
    for user in scenario.users:
        world.add_user(user.id, first_name=user.first_name, last_name=user.last_name)
    for conversation in scenario.conversations:
        _schedule(conversation, world)
    for number, generator in enumerate(scenario.generators):
        for conversation in generate(generator, f"{scenario.seed}/{number}"):
            _schedule(conversation, world)
    for fault in scenario.faults:
        world.set_fault(_fault(fault, world.start))
    return world


def _schedule(spec: ConversationSpec, world: World) -> None:
    world.at(world.start + spec.created, partial(_Play, spec, world))


class _Play:
    """The script of one conversation, from its creation on."""

    def __init__(self, spec: ConversationSpec, world: World) -> None:
        self._world = world
        self._conversation = world.add_conversation(
            app=None if spec.app is None else world.apps[spec.app],
            user=None if spec.user is None else world.users[spec.user],
            title=spec.title,
        )
        for chat in spec.chats:
            self._at(chat.at, partial(self._write, chat))
        for run in spec.runs:
            self._at(run.at, partial(self._run, run))
        for rating in spec.ratings:
            self._at(rating.at, partial(self._rate, rating))
        for deletion in spec.deleted_chats:
            self._at(deletion.at, partial(self._delete_chat, deletion))
        if spec.growth is not None:
            self._at(spec.growth.at, partial(self._grow, spec.growth, 1))
        if spec.ends is not None:
            self._at(spec.ends, partial(world.end_conversation, self._conversation.id))
        if spec.deleted is not None:
            self._at(spec.deleted, partial(world.delete_conversation, self._conversation.id))

    def _at(self, offset: float, action: Callable[[], object]) -> None:
        def unless_deleted() -> None:
            if self._conversation.id in self._world.conversations:
                action()

        self._world.at(self._world.start + offset, unless_deleted)

    def _write(self, spec: ChatSpec) -> None:
        self._world.add_chat(
            self._conversation.id, spec.sender, spec.message, completed=spec.completed, citations=spec.citations
        )

    def _run(self, spec: RunSpec) -> None:
        self._world.start_run(self._conversation.id, _plan(spec))

    def _rate(self, spec: RatingSpec) -> None:
        self._world.rate(self._chat(spec.chat).id, _VOTES[spec.vote], spec.by)

    def _delete_chat(self, spec: DeletionSpec) -> None:
        self._world.delete_chat(self._chat(spec.chat).id)

    def _grow(self, spec: GrowthSpec, exchange: int) -> None:
        self._world.add_chat(self._conversation.id, "USER", spec.question)
        self._world.add_chat(self._conversation.id, "BOT", spec.answer)
        if spec.exchanges is None or exchange < spec.exchanges:
            self._at(spec.at + exchange * spec.every, partial(self._grow, spec, exchange + 1))

    def _chat(self, number: int) -> Chat:
        chats = self._conversation.chats
        if not 0 < abs(number) <= len(chats):
            at = format_duration(self._world.now - self._world.start)
            raise ConfigError(f"the conversation {self._conversation.title!r} has no chat {number} at {at}")
        return chats[number - 1 if number > 0 else number]


def _plan(spec: RunSpec) -> RunPlan:
    fields = dict(spec)
    del fields["at"]
    return RunPlan(**fields)


def _fault(spec: FaultSpec, start: float) -> Fault:
    fields = dict(spec)
    begins, lasts = start + fields.pop("at"), fields.pop("lasts")
    return Fault(begins=begins, ends=math.inf if lasts is None else begins + lasts, **fields)
