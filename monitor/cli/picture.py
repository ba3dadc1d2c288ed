"""The demo's live picture and its summary, as text on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.app import App
from monitor.cli.collector import Collector, Received
from monitor.cli.tally import Tally
from monitor.model.run import Run
from monitor.model.stop import Stop

__all__ = ["picture", "summary_table", "told_line"]

_PROJECT = "demo"
_ROWS = 8


async def picture(app: App, collector: Collector, *, elapsed: float, of: float) -> RenderableType:
    """Return what is going on now."""
    now = app.projects()[0].offset + app.clock.now()
    async with app.store.snapshot() as tx:
        runs = sorted((await tx.runs.open(_PROJECT)).values(), key=lambda run: run.age_since)
        stops = await tx.stops.newest(_PROJECT, limit=_ROWS)
    heading = Text(f"{elapsed:5.1f} s of {of:.0f} s", style="bold")
    return Group(heading, _runs_table(runs, now), _stops_table(stops), _told_table(collector.received[-_ROWS:]))


def _runs_table(runs: list[Run], now: float) -> Table:
    table = Table(title=f"runs going on: {len(runs)}", title_justify="left", expand=True)
    for column in ("app", "conversation", "age", "idle"):
        table.add_column(column, justify="right" if column in {"age", "idle"} else "left")
    for run in runs[:_ROWS]:
        name = run.app.name if run.app else "-"
        table.add_row(name, run.conversation_id, f"{now - run.age_since:.1f} s", f"{now - run.idle_since:.1f} s")
    return table


def _stops_table(stops: list[Stop]) -> Table:
    table = Table(title="stops", title_justify="left", expand=True)
    for column in ("app", "conversation", "result", "why"):
        table.add_column(column)
    for stop in stops:
        result = stop.result.value if stop.result else stop.state.value
        table.add_row(stop.app.name if stop.app else "-", stop.conversation_id, result, stop.reason)
    return table


def _told_table(received: list[Received]) -> Table:
    table = Table(title="told", title_justify="left", expand=True)
    for column in ("status", "alert", "action", "summary"):
        table.add_column(column)
    for one in reversed(received):
        style = "red" if one.status == "firing" else "green"
        status = Text(one.status, style=style)
        table.add_row(status, one.labels.get("alertname", ""), one.labels.get("action", ""), one.summary)
    return table


def told_line(received: Received, *, since: float) -> str:
    """Return one transition as a line, for where there is no terminal; `since` is when the world began."""
    name = " ".join(filter(None, (received.labels.get("alertname"), received.labels.get("action"))))
    return f"{received.at - since:5.1f} s  {received.status:<8}  {name}: {received.summary}"


def summary_table(tally: Tally) -> Table:
    """Return what was found, beside what truly happened."""
    table = Table(title="summary", title_justify="left")
    table.add_column("")
    table.add_column("monitor", justify="right")
    table.add_column("simulator's record", justify="right")
    for name, pair in (
        ("conversations with runs seen", tally.runs),
        ("runs stopped", tally.stopped),
        ("negative ratings flagged", tally.negative),
        ("... withdrawn and resolved", tally.withdrawn),
    ):
        wrong = f" and {pair.wrong} that never happened" if pair.wrong else ""
        glimpsed = f", {pair.glimpsed} of them over before a second look" if pair.glimpsed else ""
        table.add_row(name, f"{pair.found}{wrong}", f"{pair.true}{glimpsed}", style=None if pair.agrees else "red")
    table.add_row("runs that ended just before their stop", str(tally.spared), "")
    table.add_row("stops without effect", str(tally.ineffective), "")
    table.add_row("alert transitions delivered", str(tally.delivered), f"in {tally.bodies} bodies")
    table.caption = "both agree" if tally.agrees else "THEY DIFFER"
    return table
