"""
The JSON API's answers as tables for a terminal of 80 columns.

An id of a conversation is 52 characters and has to stay in one piece to be copied, so it gets a line of its own in the
last column. Times are UTC. All text goes through `plain`, because what users and apps are called is theirs to choose,
and each cell is a `Text`, because in strings rich would look for markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.cli.answers import (
    Ack,
    Action,
    Alert,
    App,
    Brake,
    Leg,
    Line,
    Poll,
    Project,
    Rating,
    Receiver,
    Run,
    Silence,
    Status,
    Telling,
)
from monitor.cli.text import plain
from monitor.durations import format_duration
from monitor.rules.humanize import humanize

__all__ = ["acks", "actions", "alerts", "audit", "brake", "drill", "ratings", "runs", "silences", "status"]

_NARROW = 12  # columns, which leave room for a time and an id

_LONGEST = 1e9  # seconds: what is longer is nonsense, and more than a timedelta may hold

_STYLES = {
    "firing": "red",
    "critical": "red",
    "negative": "red",
    "stuck": "red",
    "blind": "red",
    "auth_failing": "red",
    "failing": "red",
    "refuses": "red",
    "ineffective": "red",
    "error": "red",
    "pending": "yellow",
    "warning": "yellow",
    "starting": "yellow",
    "running": "cyan",
    "stopped": "green",
    "resolved": "green",
    "positive": "green",
    "healthy": "green",
}


def status(answer: Status) -> RenderableType:
    """Return how the daemon fares, what it watches, and what holds automatic stops back."""
    counted = ", ".join(f"{count} {_plain(state)}" for state, count in answer.alerts.items())
    lines = [
        Text.assemble(f"alli-monitor {plain(answer.version)}: ", _word(answer.state)),
        Text(f"since {_line_moment(answer.started_at)}; alerts: {counted}"),
        *(Text(plain(reason), style="red") for reason in (answer.unhealthy, answer.not_ready) if reason),
        *(Text(brake(each), style="yellow") for each in answer.brakes),
    ]
    receivers = _receivers(answer.receivers) if answer.receivers else Text("no receivers: nobody is told of alerts")
    return Group(*lines, Text(), _projects(answer.projects), receivers)


def _projects(found: Sequence[Project]) -> Table:
    table = _table("project", "state", "looked (UTC)", "24 h seen", "runs", "stop mode", "stops")
    for project in found:
        failing = [f"fails: {line.question}" for line in project.capabilities.report if line.verdict == "fails"]
        late = [_late(poll) for poll in project.polls if poll.kept_seconds != poll.wanted_seconds]
        stops = "\n".join(f"{count} {_plain(result)}" for result, count in project.stops.items())
        looked, seen = project.coverage.last_complete_pass, project.coverage.last_24h
        table.add_row(
            _lines(project.name, project.auth_error, *failing, *late),
            _word(project.state),
            _moment(looked),
            Text(f"{seen:.1%}" if seen is not None else "unknown"),
            Text(str(project.runs)),
            Text(plain(project.stop_mode)),
            Text(stops or "none"),
        )
    return table


def _late(poll: Poll) -> str:
    kept = "put off" if poll.kept_seconds is None else f"each {format_duration(round(poll.kept_seconds))}"
    return f"requests are short: {poll.poll} {kept}"


def _receivers(found: Sequence[Receiver]) -> Table:
    table = _table("receiver", "state", "waiting", "last delivery (UTC)")
    for receiver in found:
        lost = f"an alert was set aside at {_line_moment(receiver.set_aside_at)}" if receiver.set_aside_at else None
        name = _lines(receiver.name, receiver.error, _rest(receiver), lost)
        waiting, delivered = Text(str(receiver.pending)), _moment(receiver.delivered_at)
        table.add_row(name, _word(_receiver_state(receiver)), waiting, delivered)
    return table


def _receiver_state(receiver: Receiver) -> str:
    if receiver.permanent:
        return "refuses"
    return "failing" if receiver.failing_since else "delivering" if receiver.delivered_at else "not used yet"


def _rest(receiver: Receiver) -> str | None:
    """Return until when one that fails is left alone; others rest for moments only, for the sake of their pace."""
    at = receiver.resting_until if receiver.failing_since else None
    return f"tried again at {_line_moment(at)}" if at else None


def brake(of: Brake) -> str:
    """Return a brake as a sentence."""
    until = f"until {_line_moment(of.until)}" if of.until else "until resumed"
    where = f" of project {plain(of.project)}" if of.project else ""
    if of.kind == "protect":
        what = f"Conversation {plain(of.target)}{where} is protected from automatic stops"
    else:
        what = f"Automatic stops are paused for {f'apps {plain(of.target)}' if of.target else 'every app'}{where}"
    return f"{what} {until}, by {plain(of.set_by)} at {_line_moment(of.set_at)}"


def alerts(found: Iterable[Alert]) -> Table:
    """Return alerts, each with what it says and what it is about."""
    table = _table("state", "since (UTC)", "alert", narrow=True)
    for alert in found:
        severity = alert.labels.get("severity")
        state = alert.resolution if alert.state == "resolved" and alert.resolution else None
        since = alert.resolved_at or alert.fired_at or alert.pending_since
        about = alert.subject.get("conversation_id")
        of = plain(alert.labels.get("app", ""))
        name = " ".join(filter(None, (plain(alert.alertname), plain(alert.project), of)))
        acked = f"acked by {alert.acked_by} until {_until(alert.acked_until)}" if alert.acked_by else None
        held = [*(f"muted by {why.replace('_', ' ')}" for why in alert.muted_by), acked]
        fingerprint = f"alert {alert.fingerprint}" if alert.state == "firing" else None
        what = _lines(name, alert.annotations.get("summary"), about, *held, fingerprint)
        table.add_row(_words(alert.state, state, severity), _moment(since), what)
    return table


def silences(found: Iterable[Silence]) -> Table:
    """Return silences, each with what it holds and who wants that."""
    table = _table("silence", "ends (UTC)", "matchers, comment", narrow=True)
    for silence in found:
        ends = _moment(silence.ends_at) if silence.ends_at else Text("when all\nresolved")
        starts = f"from {_line_moment(silence.starts_at)}" if silence.state == "pending" else None
        ended = f"ended by {silence.ended_by}" if silence.ended_by else None
        what = _lines(" ".join(silence.matchers), f"{silence.author}: {silence.comment}", starts, ended)
        table.add_row(_words(silence.id, silence.state), ends, what)
    return table


def acks(found: Iterable[Ack]) -> Table:
    """Return acknowledgements, each with its alert and who takes care of it."""
    table = _table("ack", "until (UTC)", "alert", narrow=True)
    for ack in found:
        name = " ".join(filter(None, (ack.alertname, ack.project)))
        by = f"{ack.by}: {ack.comment}" if ack.comment else ack.by
        what = _lines(name, by, ack.subject.get("conversation_id"), f"alert {ack.fingerprint}")
        table.add_row(_words(ack.end or "active"), _moment(ack.until), what)
    return table


def runs(found: Iterable[Run]) -> Table:
    """Return runs with their ages; `of` is their limit."""
    table = _table("state", "age", "app, conversation", narrow=True)
    for run in found:
        limit = f"of {_age(run.limit_seconds)}" if run.limit_seconds is not None else None
        idle = None if run.outcome else f"idle {_age(run.idle_seconds)}"
        age = _lines(_age(run.age_estimate_seconds), limit)
        table.add_row(_words(run.outcome or "running", idle), age, _whose(run))
    return table


def ratings(found: Iterable[Rating]) -> Table:
    """Return changes of ratings."""
    table = _table("rating", "seen (UTC)", "app, conversation", narrow=True)
    for rating in found:
        former = f"was {rating.previous}" if rating.previous != "none" else None
        table.add_row(_words(rating.value, f"by {rating.by}", former), _moment(rating.seen_at), _whose(rating))
    return table


def actions(found: Iterable[Action]) -> Table:
    """Return stops and what came of them."""
    table = _table("stop", "at (UTC)", "app, conversation", narrow=True)
    for action in found:
        by = f"by {action.asked_by}" if action.asked_by else None
        result = _words(action.result or action.state, action.mode, by)
        table.add_row(result, _moment(action.decided_at), _whose(action, action.reason))
    return table


def audit(found: Iterable[Line]) -> Table:
    """Return lines of the audit."""
    table = _table("audit", "at (UTC)", "detail, conversation", narrow=True)
    for line in found:
        table.add_row(_words(line.what), _moment(line.at), _lines(line.detail or "-", line.conversation_id))
    return table


def drill(legs: Iterable[Leg], ending: str) -> RenderableType:
    """Return how many seconds each part of each way took, what is missing on it, and how the drill ended."""
    table = _table("integration, route", "told", "waited", "delivery", "total")
    for leg in legs:
        firing = leg.firing
        if leg.muted_by is not None and (firing is None or firing.accepted_after_seconds is None):
            muted = f"muted by {leg.muted_by.replace('_', ' ')}"
            table.add_row(_lines(leg.integration, leg.route), _lines("nothing", muted))
            continue
        waits = f"group_wait {format_duration(leg.group_wait_seconds)}"
        table.add_row(_lines(leg.integration, leg.route), *_telling("firing", firing, waits))
        if leg.sends_resolved:
            waits = f"group_interval {format_duration(leg.group_interval_seconds)}"
            table.add_row(Text(), *_telling("resolved", leg.resolved, waits))
    return Group(table, Text(ending))


def _telling(told: str, telling: Telling | None, waits: str) -> Sequence[Text]:
    """Return what was to be told, what is still missing of that, and how many seconds it took."""
    queued = telling.queued_after_seconds if telling else None
    accepted = telling.accepted_after_seconds if telling else None
    delivery = accepted - queued if accepted is not None and queued is not None else None
    seconds = [Text("-" if each is None else f"{each:.2f}") for each in (queued, delivery, accepted)]
    return _lines(told, None if accepted is not None else _missing(telling, waits)), *seconds


def _missing(telling: Telling | None, waits: str) -> str:
    if telling is None or telling.queued_after_seconds is None:
        return f"waits for {waits}"
    return f"{'given up' if telling.set_aside else 'not accepted yet'}{telling.error and f': {telling.error}'}"


# Cells


def _table(first: str, *columns: str, narrow: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column(first, overflow="fold", max_width=_NARROW if narrow else None)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _whose(row: Run | Rating | Action, *more: str) -> Text:
    app = row.app or App(id="", name="no app")
    return _lines(f"{app.name or app.id} ({row.project})", *more, row.conversation_id)


def _lines(first: str, *more: str | None) -> Text:
    """Return one line for each text that there is, the first one as it is, the others dim."""
    text = Text(plain(first))
    for line in filter(None, more):
        text.append(f"\n{plain(line)}", style="dim")
    return text


def _words(first: str, *more: str | None) -> Text:
    text = _word(first)
    for line in filter(None, more):
        text.append(f"\n{_plain(line)}", style=_STYLES.get(line, "dim"))
    return text


def _word(word: str) -> Text:
    return Text(_plain(word), style=_STYLES.get(word, ""))


def _plain(word: str) -> str:
    """Return one of the API's words as people write it."""
    return plain(word).replace("_", " ")


def _age(seconds: float) -> str:
    return humanize(timedelta(seconds=int(min(max(seconds, 0.0), _LONGEST))))


def _moment(at: str | None) -> Text:
    """Return a time in two lines, the date and the time of day."""
    return Text("\n".join(_date_and_time(at)) if at else "never")


def _line_moment(at: str) -> str:
    return f"{' '.join(_date_and_time(at))} UTC"


def _until(at: str | None) -> str:
    return _line_moment(at) if at else "it is resolved"


def _date_and_time(at: str) -> tuple[str, str]:
    date, _, time = plain(at).partition("T")
    return date, time[:8]
