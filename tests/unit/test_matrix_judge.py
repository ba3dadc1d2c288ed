"""The judge of the matrix: what is right passes, and each kind of wrong is found unless it was reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.model.alert import Transition
from monitor.model.run import Outcome, Run
from monitor.model.stop import StopResult
from monitor.simulator.entities import Ending
from monitor.simulator.record import RatingRecord, Record, RunRecord, StopEffect, StopRecord
from tests.support.build import START, run, stop
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import FORBIDDEN, Facts

BLIND = "the list ignores backgroundRunning"
NO_FILTER = "the list ignores its time filters"
YOUNG = "the senders are not known (unknown_sender)"


def ran(name: str, began: float, ended: float | None = None, ending: Ending | None = None, app: str = "R") -> RunRecord:
    """Return a true run, known by the name of its conversation."""
    times: dict[str, Any] = {"began": START + began, "ended": None if ended is None else START + ended}
    fixed: dict[str, Any] = {"app_id": "app", "listed_at": None, "listed_until": None, "confirmed_at": None}
    return RunRecord(id=name, conversation_id=name, app_name=app, ending=ending, **times, **fixed)


def known(name: str, began: float, ended: float | None = None, outcome: Outcome | None = None) -> Run:
    """Return a run of the ledger."""
    ended_at = None if ended is None else START + ended
    return run(START + began, id=f"{name} {began}", conversation_id=name, ended_at=ended_at, outcome=outcome)


def asked(name: str, at: float, effect: StopEffect = StopEffect.STOPPED, hit: str | None = "") -> StopRecord:
    """Return a stop request, which hits the run of its conversation unless told otherwise."""
    return StopRecord(at=START + at, conversation_id=name, effect=effect, run_id=name if hit == "" else hit, status=200)


def voted(name: str, at: float, vote: bool | None, by: str = "user") -> RatingRecord:  # noqa: FBT001 - the API's value
    """Return a change of the rating of the only chat that is rated in a conversation."""
    return RatingRecord(at=START + at, conversation_id=name, chat_id=f"{name} chat", by=by, previous=None, vote=vote)


def told(rule: str, name: str, at: float, status: Transition = Transition.FIRING) -> Telling:
    """Return a transition of an alert."""
    labels = {"conversation_id": name} | ({} if "Run" in rule or "Stop" in rule else {"chat_id": f"{name} chat"})
    return Telling(at=START + at, rule=rule, status=status, labels=labels)


def over(rule: str, name: str, at: float) -> Telling:
    """Return the resolve of an alert."""
    return told(rule, name, at, Transition.RESOLVED)


FACTS = Facts(
    limit=60.0,
    late=45.0,
    watched_from=START - 10,
    told_from=START,
    written={"written": (START + 45,)},
    deleted={"deleted": START + 200},
    quiet=frozenset({"quiet"}),
    names={name: name for name in ("hangs", "forbidden", "healthy", "written", "deleted", "bad", "back", "quiet")},
)
RECORD = Record(
    start=START - 100,
    now=START + 500,
    runs=(
        ran("hangs", 0, 62, Ending.STOPPED),
        ran("forbidden", 0, app=FORBIDDEN),
        ran("healthy", 0, 40, Ending.FINISHED),
        ran("written", 0, 106, Ending.STOPPED),
        ran("deleted", 0, 200, Ending.DELETED, app=FORBIDDEN),
    ),
    stops=(asked("hangs", 62), asked("written", 106)),
    ratings=(
        voted("old", -50, False),
        voted("bad", 20, False),
        voted("back", 20, False),
        voted("staff", 20, False, "agent"),
        voted("back", 100, None),
    ),
    requests={},
    untrue={},
    faults={},
    users_created=(),
)
TOLD = (
    told("RunOverLimit", "hangs", 62),
    over("RunOverLimit", "hangs", 70),
    told("RunOverLimit", "forbidden", 62),
    told("RunOverLimit", "written", 107),
    over("RunOverLimit", "written", 110),
    told("RunOverLimit", "deleted", 62),
    over("RunOverLimit", "deleted", 210),
    told("NegativeRating", "bad", 30),
    told("NegativeRating", "back", 30),
    told("OperatorNegative", "staff", 30),
    over("NegativeRating", "back", 120),
)
RUNS = (
    known("hangs", 2, 63, Outcome.STOPPED),
    known("forbidden", 2),
    known("healthy", 2, 41, Outcome.FINISHED),
    known("written", 2, 107, Outcome.STOPPED),
    known("deleted", 2, 201, Outcome.GONE),
)
STOPS = tuple(
    stop(run_id=f"{name} 2", conversation_id=name, result=StopResult.STOPPED) for name in ("hangs", "written")
)
RIGHT = Case(facts=FACTS, record=RECORD, told=TOLD, runs=RUNS, stops=STOPS, reported=frozenset())


def case(**changes: Any) -> Case:
    """Return the right case with some of it changed: fields of the record by their names, the others with `our_`."""
    ours = {name.removeprefix("our_"): value for name, value in changes.items() if name.startswith("our_")}
    truth = {name: value for name, value in changes.items() if not name.startswith("our_")}
    return replace(RIGHT, record=replace(RECORD, **truth), **ours)


def without(*tellings: Telling) -> tuple[Telling, ...]:
    """Return what was told but for these."""
    return tuple(telling for telling in TOLD if telling not in tellings)


HEALTHY_STOPPED = (*RECORD.stops, asked("healthy", 30))
IGNORED = tuple(asked("hangs", at, StopEffect.IGNORED) for at in (62, 190, 320, 450))
HANGS_ON = (ran("hangs", 0), *RECORD.runs[1:])
INEFFECTIVE = (replace(STOPS[0], result=StopResult.INEFFECTIVE), STOPS[1])
OPEN = (known("hangs", 2), *RUNS[1:])
STILL_TOLD = without(TOLD[1])

ALWAYS = {
    "a healthy run is stopped": (case(stops=HEALTHY_STOPPED), "only 30 s old"),
    "a run in which the user wrote is stopped": (
        case(stops=(RECORD.stops[0], asked("written", 70))),
        "written: a run was stopped that was only 25 s old",
    ),
    "a forbidden run is stopped": (case(stops=(*RECORD.stops, asked("forbidden", 70))), "may not be stopped"),
    "nothing is stopped": (case(stops=(*RECORD.stops, asked("hangs", 75, StopEffect.IDLE, None))), "hit nothing"),
    "a run is stopped twice": (case(stops=(*RECORD.stops, asked("hangs", 200))), "2 requests"),
    "a stop is asked for too often": (
        case(runs=HANGS_ON, stops=(*IGNORED, RECORD.stops[1]), our_runs=OPEN, our_stops=INEFFECTIVE),
        "4 requests",
    ),
    "a stop is asked for too soon": (
        case(runs=HANGS_ON, stops=(*IGNORED[:1], asked("hangs", 80, StopEffect.IGNORED)), our_runs=OPEN),
        "too soon",
    ),
    "a stop without effect is not told": (
        case(runs=HANGS_ON, stops=(*IGNORED[:1], RECORD.stops[1]), our_runs=OPEN, our_stops=INEFFECTIVE),
        "nobody was told",
    ),
    "the journal claims an effect": (
        case(runs=HANGS_ON, stops=(*IGNORED[:1], RECORD.stops[1]), our_runs=OPEN),
        "the journal says stopped",
    ),
    "the journal denies an effect": (case(our_stops=INEFFECTIVE), "the journal says ineffective"),
    "a run that goes on is ended": (
        case(our_runs=(RUNS[0], known("forbidden", 2, 100, Outcome.FINISHED), *RUNS[2:])),
        "ended a run that went on",
    ),
    "a run ended in another way": (
        case(our_runs=(*RUNS[:2], known("healthy", 2, 41, Outcome.STOPPED), *RUNS[3:])),
        "healthy: the ledger says stopped of a run that finished",
    ),
    "a rating is made up": (case(our_told=(*TOLD, told("NegativeRating", "healthy", 40))), "never given"),
    "a rating is told of another rater": (case(our_told=(*TOLD, told("OperatorNegative", "bad", 40))), "never given"),
    "a rating is told that was there before": (case(our_told=(*TOLD, told("NegativeRating", "old", 40))), "before"),
    "a rating is told twice": (case(our_told=(*TOLD, told("NegativeRating", "bad", 40))), "2 times"),
    "a rating that stands is resolved": (
        case(our_told=(*TOLD, over("NegativeRating", "bad", 40))),
        "bad: NegativeRating was resolved while it was true",
    ),
    "an overdue run is resolved": (
        case(our_told=(*TOLD, over("RunOverLimit", "forbidden", 200))),
        "forbidden: RunOverLimit was resolved while it was true",
    ),
    "a quiet conversation is told about": (case(our_told=(*TOLD, told("GhostRun", "quiet", 40))), "quiet: GhostRun"),
}

UNLESS_REPORTED = {
    "an overdue run is not stopped": (
        case(runs=HANGS_ON, stops=RECORD.stops[1:], our_runs=OPEN, our_stops=STOPS[1:], our_told=STILL_TOLD),
        "hangs: an overdue run was not stopped",
        BLIND,
    ),
    "an overdue run looks young": (
        case(runs=HANGS_ON, stops=RECORD.stops[1:], our_runs=OPEN, our_stops=STOPS[1:], our_told=without(*TOLD[:2])),
        "hangs: only 0 of 1 overdue runs were told",
        YOUNG,
    ),
    "a stop is late": (
        case(
            runs=(ran("hangs", 0, 130, Ending.STOPPED), *RECORD.runs[1:]),
            stops=(asked("hangs", 130), RECORD.stops[1]),
            our_runs=(known("hangs", 2, 131, Outcome.STOPPED), *RUNS[1:]),
            our_told=(TOLD[0], over("RunOverLimit", "hangs", 140), *TOLD[2:]),
        ),
        "stopped 70 s late",
        BLIND,
    ),
    "a run that never was": (
        case(our_runs=(*RUNS, known("bad", 10, 20, Outcome.FINISHED))),
        "bad: a ghost in the ledger",
        BLIND,
    ),
    "a run that had ended": (
        case(our_runs=(*RUNS, known("healthy", 50, 60, Outcome.FINISHED))),
        "healthy: a ghost in the ledger",
        BLIND,
    ),
    "a run is there twice": (case(our_runs=(*RUNS, known("forbidden", 30))), "2 times", BLIND),
    "a run is not noticed": (case(our_runs=(*RUNS[:2], *RUNS[3:])), "healthy: a run is not in the ledger", BLIND),
    "an end is not noticed": (case(our_runs=(*RUNS[:2], known("healthy", 2), *RUNS[3:])), "not notice the end", BLIND),
    "a healthy run is told": (case(our_told=(*TOLD, told("RunOverLimit", "healthy", 39))), "told 1 of 0", BLIND),
    "a rating is not told": (case(our_told=without(TOLD[7])), "bad: a negative rating was not told", NO_FILTER),
    "an agent's rating is not told": (case(our_told=without(TOLD[9])), "staff: a negative rating", NO_FILTER),
    "a withdrawal is not told": (case(our_told=without(TOLD[10])), "back: NegativeRating was not resolved", NO_FILTER),
    "a deletion is not told": (case(our_told=without(TOLD[6])), "deleted: RunOverLimit was not resolved", BLIND),
}


def test_what_is_right_is_right() -> None:
    """A monitor that did what it should is not blamed."""
    assert judge(RIGHT) == []


@pytest.mark.parametrize(("wrong", "words"), ALWAYS.values(), ids=ALWAYS)
@pytest.mark.parametrize("reported", [frozenset(), frozenset({BLIND, NO_FILTER, YOUNG})], ids=["silent", "reported"])
def test_nothing_excuses_harm(wrong: Case, words: str, reported: frozenset[str]) -> None:
    """What does harm or is untrue is wrong, whatever the monitor says about itself."""
    assert any(words in problem for problem in judge(replace(wrong, reported=reported)))


@pytest.mark.parametrize(("wrong", "words", "excuse"), UNLESS_REPORTED.values(), ids=UNLESS_REPORTED)
def test_what_is_missing_is_excused_by_its_cause_alone(wrong: Case, words: str, excuse: str) -> None:
    """What was not seen is wrong, unless the monitor says why; another reason does not do."""
    assert any(words in problem for problem in judge(wrong))
    others = frozenset({"something else", BLIND if excuse == NO_FILTER else NO_FILTER})
    assert any(words in problem for problem in judge(replace(wrong, reported=others)))
    assert judge(replace(wrong, reported=frozenset({excuse}))) == []
