"""
Worlds scripted in YAML: what may stand in a scenario file, and how it is read.

Whatever is scripted happens at an offset from the start of the world, such as ``12s``, or ``-2h`` for its history.
Unknown keys are errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.durations import Duration
from monitor.simulator.entities import Result, RunKind
from monitor.simulator.faults import FaultKind
from monitor.simulator.fields import (
    FieldName,
    ListParameter,
    NullableField,
    Offset,
    OperationName,
    Period,
    Share,
    StopLag,
    TimeZone,
)
from monitor.simulator.options import DailyCount, Missing, Novelty, Paging, TimeUnit

__all__ = [
    "DEMO",
    "AppSpec",
    "ChatSpec",
    "ConversationSpec",
    "DeletionSpec",
    "FaultSpec",
    "GeneratedRunSpec",
    "GeneratorSpec",
    "GrowthSpec",
    "PlanSpec",
    "RatingSpec",
    "RunSpec",
    "Scenario",
    "ServerSpec",
    "UserSpec",
]

DEMO = Path(__file__).parent / "scenarios" / "demo.yaml"
"""The scenario of the demo, which comes with the package."""


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSpec(_Spec):
    """How the server behaves: `monitor.simulator.options.Options` in YAML."""

    api_key: str = "simulated-key"

    time_unit: TimeUnit = TimeUnit.MILLISECONDS
    filter_unit: TimeUnit | None = None
    clock_offset: Offset = 0.0
    date_header: bool = True
    timezone: TimeZone = "UTC"

    embed: int = Field(default=20, ge=0, le=20)
    embed_newest_first: bool = False
    ignored_parameters: frozenset[ListParameter] = frozenset()
    paging: Paging = Paging.KEYSET
    cursor_lifetime: Duration = math.inf
    cursor_pages: int | None = Field(default=None, ge=0)
    expired_cursor: Literal[400, 422] = 422
    endless_cursor: bool = False

    running_filter_lag: Duration = 0.0
    running_lag: Duration = 0.0
    stop_lag: StopLag = Field(default=0.0, alias="stop")
    stop_completes: bool = True
    idle_stop: Literal[200, 409] = 200

    rating_touches: bool = False

    missing: Missing = Missing.NOT_FOUND
    daily_count: DailyCount = DailyCount.WORKS
    result_wrapper: bool = False
    novelties: frozenset[Novelty] = frozenset()
    nulls: frozenset[NullableField] = frozenset()
    lacks: frozenset[FieldName] = frozenset()


class AppSpec(_Spec):
    """An LLM app."""

    id: str
    name: str
    description: str | None = None


class UserSpec(_Spec):
    """An end user."""

    id: str
    first_name: str = ""
    last_name: str = ""


class ChatSpec(_Spec):
    """One message."""

    at: Offset
    sender: str = "USER"
    message: str = ""
    completed: bool = True
    citations: int = Field(default=0, ge=0)


class GrowthSpec(_Spec):
    """A USER chat and its BOT answer, again and again: `exchanges` times, or for ever."""

    at: Offset
    every: Period
    exchanges: int | None = Field(default=None, ge=1)
    question: str = "And then?"
    answer: str = "Then it goes on."


class PlanSpec(_Spec):
    """What a run does: `monitor.simulator.entities.RunPlan` in YAML."""

    kind: RunKind
    duration: Duration | None = None
    every: Period = 5.0
    stop_lag: StopLag | None = Field(default=None, alias="stop")
    ends_on_check_after: Duration = math.inf
    shows_chat: bool = True
    replaces_chat: bool = False
    result: Result = Result.ANSWER

    @model_validator(mode="after")
    def _fits_its_kind(self) -> PlanSpec:
        if self.kind is RunKind.FINISHES and self.duration is None:
            raise ValueError("a run that finishes needs a duration")
        if self.kind in {RunKind.HANGS, RunKind.LOOPS} and self.duration is not None:
            raise ValueError(f"a run that {self.kind} has no duration")
        if "every" in self.model_fields_set and self.kind not in {RunKind.LOOPS, RunKind.SLOW}:
            raise ValueError("only runs that loop or are slow have an every")
        if self.replaces_chat and not (self.kind is RunKind.LOOPS and self.shows_chat):
            raise ValueError("only a looping run that shows a chat can replace it")
        return self


class RunSpec(PlanSpec):
    """A background run that begins at `at`."""

    at: Offset


class RatingSpec(_Spec):
    """A vote; `chat` counts the chats there are at that moment from 1, or from the newest with -1."""

    at: Offset
    vote: Literal["positive", "negative", "none"]
    by: Literal["user", "agent"] = "user"
    chat: int = -1


class DeletionSpec(_Spec):
    """A chat is deleted; `chat` counts as for ratings."""

    at: Offset
    chat: int


class ConversationSpec(_Spec):
    """
    One scripted conversation; what is scripted after its deletion does not happen.

    `at` is when it is created: without it, when the first thing in it happens.
    """

    at: Offset | None = None
    app: str | None = None
    user: str | None = None
    title: str = ""
    chats: tuple[ChatSpec, ...] = ()
    growth: GrowthSpec | None = None
    runs: tuple[RunSpec, ...] = ()
    ratings: tuple[RatingSpec, ...] = ()
    deleted_chats: tuple[DeletionSpec, ...] = ()
    ends: Offset | None = None
    deleted: Offset | None = None

    @property
    def created(self) -> float:
        """When it is created: an offset."""
        return min(self._times(), default=0.0) if self.at is None else self.at

    @model_validator(mode="after")
    def _nothing_before_it(self) -> ConversationSpec:
        if self.at is not None and min(self._times(), default=self.at) < self.at:
            raise ValueError("something in it happens before it is created")
        return self

    def _times(self) -> list[float]:
        times = [self.ends, self.deleted, self.growth.at if self.growth else None]
        times += [chat.at for chat in self.chats] + [run.at for run in self.runs]
        times += [rating.at for rating in self.ratings] + [deletion.at for deletion in self.deleted_chats]
        return [time for time in times if time is not None]


class GeneratedRunSpec(PlanSpec):
    """
    A run that each generated conversation has with the probability `share`; one conversation has at most one.

    Its duration is drawn between half and all of `duration`.
    """

    share: Share


class GeneratorSpec(_Spec):
    """
    Background traffic: conversations begun at random from `at` on `during` a time, by users drawn from `users`.

    Each has up to `exchanges` questions with answers, `pace` apart. A share `rated` of the answers is rated, a share
    `negative` of those down, at random within `rated_within` of the answer.
    """

    app: str | None = None
    users: tuple[str, ...] = ()
    conversations: int = Field(ge=1)
    at: Offset = 0.0
    during: Duration
    exchanges: int = Field(default=1, ge=1)
    pace: Period = 5.0
    rated: Share = 0.0
    negative: Share = 0.5
    rated_within: Duration = 30.0
    runs: tuple[GeneratedRunSpec, ...] = ()
    questions: tuple[str, ...] = Field(default=("How does this work?",), min_length=1)
    answers: tuple[str, ...] = Field(default=("Like this.",), min_length=1)

    @model_validator(mode="after")
    def _shares_add_up(self) -> GeneratorSpec:
        if sum(run.share for run in self.runs) > 1 + 1e-9:
            raise ValueError("the shares of the runs add up to more than 1")
        return self


_KEYS_OF_KINDS = {
    "status": {FaultKind.ERROR},
    "delay": {FaultKind.SLOW},
    "retry_after": {FaultKind.ERROR, FaultKind.THROTTLE},
    "retry_after_date": {FaultKind.ERROR, FaultKind.THROTTLE},
}


class FaultSpec(_Spec):
    """A fault that begins at `at` and lasts for a time, or for ever: `monitor.simulator.faults.Fault` in YAML."""

    kind: FaultKind
    at: Offset = -math.inf
    lasts: Duration | None = None
    operations: frozenset[OperationName] = frozenset()
    chance: Share = 1.0
    count: int | None = Field(default=None, ge=1)
    status: int = Field(default=503, ge=400, le=599)
    delay: Duration = 0.0
    retry_after: Duration | None = None
    retry_after_date: bool = False

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> FaultSpec:
        for key, kinds in _KEYS_OF_KINDS.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise ValueError(f"{key} does not belong to the kind {self.kind}")
        if self.kind is FaultKind.SLOW and not self.delay:
            raise ValueError("a slow answer needs a delay")
        if self.lasts is not None and self.at == -math.inf:
            raise ValueError("a fault that lasts a time needs an at")
        return self


class Scenario(_Spec):
    """A scripted world."""

    seed: int = 0
    server: ServerSpec = ServerSpec()
    apps: tuple[AppSpec, ...] = ()
    users: tuple[UserSpec, ...] = ()
    conversations: tuple[ConversationSpec, ...] = ()
    generators: tuple[GeneratorSpec, ...] = ()
    faults: tuple[FaultSpec, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Scenario:
        apps, users = _unique("apps", self.apps), _unique("users", self.users)
        named_apps = {each.app for each in self.conversations} | {each.app for each in self.generators}
        named_users = {each.user for each in self.conversations}.union(*(each.users for each in self.generators))
        for kind, unknown in ("app", named_apps - apps - {None}), ("user", named_users - users - {None}):
            if unknown:
                raise ValueError(f"there is no {kind} with the id {min(map(str, unknown))!r}")
        return self


def _unique(key: str, specs: Iterable[AppSpec | UserSpec]) -> set[str]:
    ids: set[str] = set()
    for spec in specs:
        if spec.id in ids:
            raise ValueError(f"{key}: the id {spec.id!r} stands there twice")
        ids.add(spec.id)
    return ids
