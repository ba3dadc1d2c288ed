from __future__ import annotations

import pytest

from monitor.model.run import run_id
from tests.support.build import PROJECT, START


def test_run_id_is_the_same_for_the_same_facts() -> None:
    """A pass that is reconciled twice makes the same run."""
    assert run_id(PROJECT, "c1", START) == run_id(PROJECT, "c1", START)


@pytest.mark.parametrize(
    "other",
    [("sales", "c1", START), (PROJECT, "c2", START), (PROJECT, "c1", START + 0.001)],
    ids=["project", "conversation", "time"],
)
def test_run_id_tells_runs_apart(other: tuple[str, str, float]) -> None:
    """Another project, conversation or moment is another run."""
    assert run_id(*other) != run_id(PROJECT, "c1", START)


def test_run_id_takes_any_text() -> None:
    """Half a character in an id from outside gives an id like any other."""
    assert len(run_id(PROJECT, "c\ud800", START)) == 16
