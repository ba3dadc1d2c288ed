"""What it means that no source shows a run any more: its end, or a moment before its begin."""

from __future__ import annotations

from enum import StrEnum

from monitor.model.run import Run

__all__ = ["MOST_LAG", "Absence", "meaning"]

MOST_LAG = 60.0
"""Seconds by which what the list or `/running` says of a conversation may lag behind its chats."""


class Absence(StrEnum):
    """What it means that neither the list nor `/running` shows a run."""

    ENDED = "ended"
    MAY_BE_FORMER = "may_be_former"  # the sources may have come no further than the end of the run before


def meaning(run: Run, *, at: float) -> Absence:
    """
    Return what it means for `run` that at `at`, server time, no source said that anything runs in its conversation.

    Chats may tell a run from the one before while the list and `/running` still show that one. Later they come to the
    moment between the two, in which nothing ran.
    """
    return Absence.MAY_BE_FORMER if run.follows_at_once and at - run.began_at < MOST_LAG else Absence.ENDED
