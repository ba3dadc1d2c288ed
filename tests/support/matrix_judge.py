"""
Whether a monitor was right about a world: what is always wrong, and what is wrong unless the monitor said why.

The truth is the simulator's record. A monitor that knows that it does not know is no worse than its server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.model.alert import Transition
from monitor.model.run import Outcome, Run
from monitor.model.stop import Stop, StopResult
from monitor.simulator.entities import Ending
from monitor.simulator.record import RatingRecord, Record, RunRecord, StopEffect, StopRecord
from tests.support.matrix_story import FORBIDDEN, Facts

__all__ = ["Case", "Telling", "judge"]

_MOST_REQUESTS = 3  # to stop one run, of a server that ignores them
_APART = 119.0  # seconds between those
_RATERS = {"NegativeRating": "user", "OperatorNegative": "agent"}

# Words of a report that say why something is missing: about runs, about old ones that look young, about ratings.
_TIMES = ("(time_unit)", "times and ids disagree")
_RUNS = ("backgroundRunning", "No complete look", *_TIMES)
_YOUNG = ("(unknown_sender)",)
_RATINGS = ("time filters", "pages of chats", "conversations does not get through", *_TIMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One transition of an alert as it was told; `at` is server time."""

    at: float
    rule: str
    status: Transition
    labels: dict[str, str]

    @property
    def fires(self) -> bool:
        """Whether it says that something is true."""
        return self.status is Transition.FIRING

    @property
    def conversation_id(self) -> str:
        """Which conversation it is about, empty for none."""
        return self.labels.get("conversation_id", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    A world at its end and what a monitor made of it.

    `facts` and `record` are the truth. `told`, `runs` and `stops` are what the monitor told, its ledger and journal.
    `reported` are the sentences in which it says what it does not know, in alerts and in the capability report.
    """

    facts: Facts
    record: Record
    told: Sequence[Telling]
    runs: Sequence[Run]
    stops: Sequence[Stop]
    reported: frozenset[str]

    def says(self, *words: str) -> bool:
        """Whether any sentence of what the monitor reported has one of these in it."""
        return any(word in sentence for sentence in self.reported for word in words)

    def about(self, rule: str, conversation_id: str) -> list[Telling]:
        """Return what was told of a rule about a conversation."""
        return [telling for telling in self.told if (telling.rule, telling.conversation_id) == (rule, conversation_id)]

    def run_of(self, run: Run) -> RunRecord | None:
        """Return the run that the monitor saw when it took note of `run`."""
        return next((each for each in self.runs_in(run.conversation_id) if _runs_at(each, run.began_at)), None)

    def runs_in(self, conversation_id: str) -> list[RunRecord]:
        """Return the true runs of a conversation."""
        return [run for run in self.record.runs if run.conversation_id == conversation_id]


def judge(case: Case) -> list[str]:
    """Return everything that is wrong and was not reported, in words; nothing when all is right or reported."""
    checks: list[Callable[[Case], Iterator[str]]] = [
        _wrong_stops,
        _missing_stops,
        _wrong_journal,
        _wrong_ledger,
        _wrong_run_alerts,
        _wrong_ratings,
        _missing_ratings,
        _wrong_resolves,
        _missing_resolves,
        _wrong_noise,
    ]
    return [problem for check in checks for problem in check(case)]


# Stops


def _wrong_stops(case: Case) -> Iterator[str]:
    """Each request hit an overdue run that may be stopped, and none was hit twice unless it ignored the first."""
    hit: dict[str, list[StopRecord]] = {}
    runs = {run.id: run for run in case.record.runs}
    for stop in case.record.stops:
        name = case.facts.name(stop.conversation_id)
        if stop.run_id is None:
            yield f"{name}: a stop hit nothing: {stop.effect}"
            continue
        run = runs[stop.run_id]
        hit.setdefault(run.id, []).append(stop)
        age = stop.at - case.facts.counts_from(run, stop.at)
        if run.app_name == FORBIDDEN:
            yield f"{name}: a run that may not be stopped was"
        elif age < case.facts.limit:
            yield f"{name}: a run was stopped that was only {age:.0f} s old"
    for run_id, requests in hit.items():
        name = case.facts.name(runs[run_id].conversation_id)
        if len(requests) > (_MOST_REQUESTS if requests[0].effect is StopEffect.IGNORED else 1):
            yield f"{name}: {len(requests)} requests to stop one run"
        if any(later.at - earlier.at < _APART for earlier, later in pairwise(requests)):
            yield f"{name}: requests to stop one run follow too soon"


def _missing_stops(case: Case) -> Iterator[str]:
    """Each overdue run was asked to stop in time, and what ignored that was told."""
    for run in case.record.runs:
        name, due = case.facts.name(run.conversation_id), case.facts.overdue_at(run)
        if due is None or run.app_name == FORBIDDEN or due + case.facts.late > case.record.now:
            continue
        requests = [stop for stop in case.record.stops if stop.run_id == run.id]
        excused = _excused(case, run.conversation_id) or case.says(*_YOUNG)
        if not requests and not excused:
            yield f"{name}: an overdue run was not stopped"
        elif requests and requests[0].at > due + case.facts.late and not excused:
            yield f"{name}: an overdue run was stopped {requests[0].at - due:.0f} s late"
        ignored = any(stop.effect is StopEffect.IGNORED for stop in requests)
        if ignored and not case.about("StopIneffective", run.conversation_id):
            yield f"{name}: nobody was told that the stop had no effect"


def _wrong_journal(case: Case) -> Iterator[str]:
    """Hold what the journal says of a stop against what came of it."""
    ledger = {run.id: run for run in case.runs}
    for stop in case.stops:
        name = case.facts.name(stop.conversation_id)
        run = case.run_of(ledger[stop.run_id])
        hits = [each.effect for each in case.record.stops if run is not None and each.run_id == run.id]
        obeyed = StopEffect.STOPPED in hits or StopEffect.LAGGING in hits
        if (stop.result is StopResult.STOPPED) is not obeyed:
            yield f"{name}: the journal says {stop.result} of a stop that came to {hits}"


# Runs


def _wrong_ledger(case: Case) -> Iterator[str]:
    """Each run of the ledger is one that ran, each run is there once, and its end is the true one."""
    seen: Counter[str] = Counter()
    for run in case.runs:
        name, true = case.facts.name(run.conversation_id), case.run_of(run)
        excused = _excused(case, run.conversation_id)
        if true is None:
            if not excused:
                yield f"{name}: a ghost in the ledger, {run.outcome}"
            continue
        seen[true.id] += 1
        if seen[true.id] > 1 and not excused:
            yield f"{name}: one run stands in the ledger {seen[true.id]} times"
        if run.ended_at is not None and (true.ended is None or run.ended_at < true.ended - 1.0):
            yield f"{name}: the ledger ended a run that went on, as {run.outcome}"
        elif (
            run.ended_at is None
            and true.ended is not None
            and true.ended + case.facts.late < case.record.now
            and not excused
        ):
            yield f"{name}: the ledger did not notice the end of a run"
        elif run.ended_at is not None and not _same_end(run, true):
            yield f"{name}: the ledger says {run.outcome} of a run that {true.ending}"
    for missed in case.record.runs:
        if not any(_overlap(run, missed) for run in case.runs) and not _excused(case, missed.conversation_id):
            yield f"{case.facts.name(missed.conversation_id)}: a run is not in the ledger"


def _grows_old(case: Case, run: RunRecord) -> bool:
    """Whether a run is ever older than its limit: for one that began before the monitor came, an earlier moment."""
    end = case.record.now if run.ended is None else run.ended
    return end - case.facts.counts_from(run, end) >= case.facts.limit


def _same_end(run: Run, true: RunRecord) -> bool:
    endings = {Outcome.FINISHED: Ending.FINISHED, Outcome.STOPPED: Ending.STOPPED, Outcome.GONE: Ending.DELETED}
    return run.outcome is not None and endings[run.outcome] is true.ending


def _wrong_run_alerts(case: Case) -> Iterator[str]:
    """Each overdue run was told once and in time, and no other."""
    told = Counter(telling.conversation_id for telling in case.told if telling.rule == "RunOverLimit" and telling.fires)
    due = Counter(run.conversation_id for run in case.record.runs if case.facts.overdue_at(run) is not None)
    old = Counter(run.conversation_id for run in case.record.runs if _grows_old(case, run))
    for conversation_id in told | due:
        name, excused = case.facts.name(conversation_id), _excused(case, conversation_id)
        if told[conversation_id] > old[conversation_id] and not excused:
            yield f"{name}: told {told[conversation_id]} of {old[conversation_id]} overdue runs"
        if told[conversation_id] < due[conversation_id] and not excused and not case.says(*_YOUNG):
            yield f"{name}: only {told[conversation_id]} of {due[conversation_id]} overdue runs were told"


# Ratings


def _wrong_ratings(case: Case) -> Iterator[str]:
    """Each rating that was told was given, by that rater and after the monitor came, and is told once each time."""
    told: Counter[tuple[str, str]] = Counter()
    for telling in case.told:
        if telling.rule not in _RATERS or not telling.fires:
            continue
        chat_id, by = telling.labels["chat_id"], _RATERS[telling.rule]
        told[chat_id, by] += 1
        given = [vote for vote in _votes(case, chat_id, by) if vote.vote is False and vote.at <= telling.at]
        name = case.facts.name(telling.conversation_id)
        if not any(vote.at >= case.facts.told_from for vote in given):
            yield f"{name}: a rating was told that was {'given before' if given else 'never given'}"
        elif told[chat_id, by] > len(given):
            yield f"{name}: a rating was told {told[chat_id, by]} times"


def _missing_ratings(case: Case) -> Iterator[str]:
    """Each negative rating was told."""
    told = {(telling.labels.get("chat_id"), _RATERS.get(telling.rule)) for telling in case.told if telling.fires}
    for vote in case.record.ratings:
        is_news = vote.vote is False and vote.at >= case.facts.told_from
        if is_news and (vote.chat_id, vote.by) not in told and not case.says(*_RATINGS):
            yield f"{case.facts.name(vote.conversation_id)}: a negative rating was not told"


def _votes(case: Case, chat_id: str, by: str) -> list[RatingRecord]:
    return [vote for vote in case.record.ratings if (vote.chat_id, vote.by) == (chat_id, by)]


# Ends of alerts


def _wrong_resolves(case: Case) -> Iterator[str]:
    """No alert was resolved while what it says was true."""
    for telling in case.told:
        if telling.fires or not telling.conversation_id:
            continue
        if _is_true(case, telling.rule, telling.labels, telling.at):
            yield f"{case.facts.name(telling.conversation_id)}: {telling.rule} was resolved while it was true"


def _missing_resolves(case: Case) -> Iterator[str]:
    """Each alert about what is no longer so was resolved."""
    last = {(telling.rule, *sorted(telling.labels.get(key, "") for key in _SUBJECT)): telling for telling in case.told}
    for telling in last.values():
        if not telling.fires or telling.rule not in {*_RATERS, "RunOverLimit", "StopIneffective"}:
            continue
        since = case.record.now - 4 * case.facts.late
        over = not any(_is_true(case, telling.rule, telling.labels, at) for at in (since, case.record.now))
        words = _RATINGS if telling.rule in _RATERS else _RUNS
        if over and not case.says(*words):
            yield f"{case.facts.name(telling.conversation_id)}: {telling.rule} was not resolved"


_SUBJECT = ("conversation_id", "run_id", "chat_id")


def _is_true(case: Case, rule: str, labels: dict[str, str], at: float) -> bool:
    conversation_id = labels["conversation_id"]
    if case.facts.deleted.get(conversation_id, float("inf")) <= at:
        return False
    if rule in _RATERS:
        votes = [vote for vote in _votes(case, labels["chat_id"], _RATERS[rule]) if vote.at <= at]
        return bool(votes) and votes[-1].vote is False
    if rule not in {"RunOverLimit", "StopIneffective"}:
        return False
    running = [run for run in case.runs_in(conversation_id) if _runs_at(run, at)]
    return any(at - case.facts.counts_from(run, at) > case.facts.limit + 1.0 for run in running)


def _wrong_noise(case: Case) -> Iterator[str]:
    """Nothing was told about conversations in which nothing happens."""
    for telling in case.told:
        if telling.conversation_id in case.facts.quiet:
            yield f"{case.facts.name(telling.conversation_id)}: {telling.rule}"


# Helpers


def _runs_at(run: RunRecord, at: float) -> bool:
    return run.began <= at and (run.ended is None or at < run.ended)


def _overlap(run: Run, true: RunRecord) -> bool:
    """Whether the ledger had a run in the same conversation while this one ran: two may look as one."""
    return run.conversation_id == true.conversation_id and not (
        (run.ended_at is not None and run.ended_at <= true.began)
        or (true.ended is not None and true.ended <= run.began_at)
    )


def _excused(case: Case, conversation_id: str) -> bool:
    """Whether the monitor said that it does not see runs, or that it does not know what to make of this one."""
    return case.says(*_RUNS) or bool(case.about("GhostRun", conversation_id))
