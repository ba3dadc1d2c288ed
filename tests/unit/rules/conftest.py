"""Facts and rule files for the tests of rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.model.conversation import App, Vote
from monitor.model.rating import Rater, Rating, RatingChange
from monitor.model.run import Run
from monitor.rules.files import RuleSet, load

START = 1_700_000_000.0


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Return a maker of runs that began at START, with any field changed."""
    run = Run(
        id="0123456789abcdef",
        project="support",
        conversation_id="Q29udg==",
        app=App(id="app-1", name="Report writer"),
        user_id="user-1",
        began_at=START,
        age_since=START,
        estimate_since=START - 60,
        busy_since=START - 30,
        idle_since=START + 10,
        not_running_at=START - 90,
        seen_at=START,
        incomplete_chat_id=None,
        former_chat_id=None,
        user_chat_id=None,
        user_chat_at=None,
        chat_count=3,
    )

    def make(**changes: Any) -> Run:
        return replace(run, **changes)

    return make


@pytest.fixture
def make_change() -> Callable[..., RatingChange]:
    """Return a maker of rating changes of one chat, written at START and rated a minute later."""

    def make(
        vote: Vote,
        *,
        by: Rater = Rater.USER,
        previous: Vote = Vote.NONE,
        app: App | None = None,
        user: str | None = None,
    ) -> RatingChange:
        rating = Rating(
            project="support",
            conversation_id="Q29udg==",
            chat_id="Q2hhdA==",
            by=by,
            vote=vote,
            not_before=START + 30,
            seen_at=START + 60,
        )
        return RatingChange(rating=rating, previous=previous, app=app, user_id=user, chat_at=START)

    return make


@pytest.fixture
def load_rule(tmp_path: Path) -> Callable[[str], RuleSet]:
    """Return a loader of one rule, given as the lines below its `alert: R`."""

    def load_lines(lines: str) -> RuleSet:
        body = "".join(f"        {line}\n" for line in lines.strip().splitlines())
        file = tmp_path / "rules.yml"
        file.write_text(f"groups:\n  - name: g\n    rules:\n      - alert: R\n{body}", encoding="utf-8")
        return load([file])

    return load_lines
