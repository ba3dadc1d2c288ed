"""How background runs behave, from their begin to their end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from monitor.simulator.entities import Chat, Conversation, Ending, Result, Run, RunKind, Step
from monitor.simulator.record import StopEffect

__all__ = ["Stage", "begin", "check", "end", "stop"]

_ANSWER = "Here is what I found."


class Stage(Protocol):
    """What a run needs of its world."""

    now: float

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Plan `action` for the time `when`."""

    def write_chat(self, conversation: Conversation, sender: str, message: str, *, completed: bool = True) -> Chat:
        """Add a chat to `conversation` now."""


def begin(run: Run, stage: Stage) -> None:
    """Begin `run` now; one that is already running in the same conversation has finished."""
    if run.conversation.run is not None:
        end(run.conversation.run, Ending.FINISHED, stage.now)
    run.conversation.run = run
    run.conversation.runs.append(run)
    if run.plan.shows_chat:
        _open_chat(run, stage)
    if run.plan.duration is not None:
        stage.at(stage.now + run.plan.duration, lambda: end(run, Ending.FINISHED, stage.now))
    if run.plan.kind in {RunKind.LOOPS, RunKind.SLOW}:
        stage.at(stage.now + run.plan.every, lambda: _progress(run, stage))


def end(run: Run, ending: Ending, now: float, *, completes: bool = True) -> None:
    """End `run` now, and complete its chat unless told otherwise; nothing happens when it has ended."""
    if run.ended is not None:
        return
    run.ended, run.ending = now, ending
    run.conversation.run = None
    if run.chat is not None:
        left = ending is Ending.DELETED or not completes
        _close_chat(run.chat, Result.INCOMPLETE if left else run.plan.result)


def stop(run: Run, lag: float, stage: Stage, *, completes: bool) -> StopEffect:
    """Ask `run` to stop; it obeys after `lag` seconds, or never when that is infinite, as `end` says."""
    if lag == math.inf:
        return StopEffect.IGNORED
    if lag > 0:
        stage.at(stage.now + lag, lambda: end(run, Ending.STOPPED, stage.now, completes=completes))
        return StopEffect.LAGGING
    end(run, Ending.STOPPED, stage.now, completes=completes)
    return StopEffect.STOPPED


def check(run: Run, now: float) -> None:
    """Tell `run` that somebody reads its conversation by id: some end just then."""
    if now - run.began >= run.plan.ends_on_check_after:
        end(run, Ending.FINISHED, now)


def _progress(run: Run, stage: Stage) -> None:
    if run.ended is not None:
        return
    run.ticks += 1
    if run.plan.kind is RunKind.LOOPS:
        _loop(run, stage)
    if run.chat is not None:
        run.chat.message += f"Part {run.ticks}. "
        _next_step(run.chat, stage.now)
    stage.at(stage.now + run.plan.every, lambda: _progress(run, stage))


def _loop(run: Run, stage: Stage) -> None:
    if run.plan.replaces_chat and run.chat is not None:
        _close_chat(run.chat, Result.ANSWER)
        _open_chat(run, stage)
    else:
        stage.write_chat(run.conversation, "BOT", f"Trying again, attempt {run.ticks}.")


def _open_chat(run: Run, stage: Stage) -> None:
    run.chat = stage.write_chat(run.conversation, "BOT", "", completed=False)
    _next_step(run.chat, stage.now)


def _close_chat(chat: Chat, result: Result) -> None:
    if result is Result.INCOMPLETE:
        return
    chat.completed = True
    chat.message = "" if result is Result.EMPTY else chat.message or _ANSWER
    for step in chat.steps:
        step.completed = True


def _next_step(chat: Chat, now: float) -> None:
    for step in chat.steps:
        step.completed = True
    chat.steps.append(Step(key=f"step-{len(chat.steps) + 1}", created_at=now))
