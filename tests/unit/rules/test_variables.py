from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from monitor.model.conversation import App, Vote
from monitor.model.rating import Rater, RatingChange
from monitor.model.run import Run
from monitor.rules.cel import Kind
from monitor.rules.variables import (
    AGES,
    VARIABLES,
    WINDOW_VARIABLES,
    Subject,
    age_since,
    environment,
    rating_variables,
    run_variables,
    window_environment,
    window_variables,
)

START = 1_700_000_000.0
TYPES = {Kind.STRING: str, Kind.INT: int, Kind.DURATION: timedelta}


def test_run_variables_are_those_of_the_table(make_run: Callable[..., Run]) -> None:
    """Every variable of a run has a value of its declared type, and there are no others."""
    data = run_variables(make_run(), limit=3600, now=START + 600)
    assert {name: type(value) for name, value in data.items()} == {
        variable.name: TYPES[variable.kind] for variable in VARIABLES[Subject.RUN]
    }


def test_rating_variables_are_those_of_the_table(make_change: Callable[..., RatingChange]) -> None:
    """Every variable of a rating has a value of its declared type, and there are no others."""
    data = rating_variables(make_change(Vote.NEGATIVE), now=START + 600)
    assert {name: type(value) for name, value in data.items()} == {
        variable.name: TYPES[variable.kind] for variable in VARIABLES[Subject.RATING]
    }


def test_ages_of_a_run(make_run: Callable[..., Run]) -> None:
    """Each age counts from its own moment, up to now in server time."""
    data = run_variables(make_run(), limit=3600, now=START + 600)
    ages = {"run.age": 600, "run.age_estimate": 660, "run.age_at_most": 690, "run.busy": 630, "run.idle": 590}
    assert {name: data[name] for name in AGES} == {name: timedelta(seconds=age) for name, age in ages.items()}
    assert data["run.limit"] == timedelta(hours=1)
    assert age_since(make_run(), "run.idle") == START + 10


def test_an_unknown_age_is_absent(make_run: Callable[..., Run]) -> None:
    """Where it is not known when a run was last not running, run.age_at_most has no value at all."""
    data = run_variables(make_run(not_running_at=None), limit=3600, now=START)
    assert "run.age_at_most" not in data
    assert "run.age" in data


@pytest.mark.parametrize(("now", "age"), [(START - 5, 0.0), (1e300, 315_576_000_000.0), (float("nan"), 0.0)])
def test_impossible_ages_are_bounded(make_run: Callable[..., Run], now: float, age: float) -> None:
    """A clock that went wrong gives no negative age, and none that the engine cannot hold."""
    assert run_variables(make_run(), limit=3600, now=now)["run.age"] == timedelta(seconds=age)


def test_rating_of_a_chat(make_change: Callable[..., RatingChange]) -> None:
    """A change tells the new and the former value, whose it is and how exactly its time is known."""
    change = make_change(Vote.NEGATIVE, by=Rater.AGENT, previous=Vote.POSITIVE, app=App(id="a", name="A"), user="u")
    data = rating_variables(change, now=START + 600)
    assert data["rating.value"] == "negative"
    assert data["rating.previous"] == "positive"
    assert data["rating.by"] == "agent"
    assert data["rating.interval"] == timedelta(seconds=30)
    assert data["chat.age"] == timedelta(minutes=10)
    assert (data["app.id"], data["app.name"], data["user.id"]) == ("a", "A", "u")


def test_no_app_and_no_user_are_empty(make_change: Callable[..., RatingChange]) -> None:
    """The API's null is a value: rules see an empty text, not something unknown."""
    data = rating_variables(make_change(Vote.NONE), now=START)
    assert (data["app.id"], data["app.name"], data["user.id"]) == ("", "", "")


def test_half_a_surrogate_pair_is_replaced(make_run: Callable[..., Run]) -> None:
    """A name that is no valid Unicode still makes data that the engine can take."""
    data = run_variables(make_run(app=App(id="a", name="x\ud800")), limit=1, now=START)
    assert data["app.name"] == "x?"


def test_window_variables_are_those_of_its_environment() -> None:
    """A window knows its counts, its project, its `by` values, and the name of the app it is kept by."""
    data = window_variables({"app.id": "a", "app.name": "A"}, project="support", count=5, users=3)
    assert data.keys() == window_environment(Subject.RATING, ("app.id",)).variables.keys()
    assert window_environment(Subject.RATING, ("user.id",)).variables.keys() == {
        "user.id",
        *(variable.name for variable in WINDOW_VARIABLES),
    }


def test_environments_are_shared() -> None:
    """All rules on a subject share one environment, so that one fact is converted once."""
    assert environment(Subject.RUN) is environment(Subject.RUN)


def test_every_variable_is_documented() -> None:
    """Each variable of the table says what it means."""
    assert all(variable.meaning for table in (*VARIABLES.values(), WINDOW_VARIABLES) for variable in table)
