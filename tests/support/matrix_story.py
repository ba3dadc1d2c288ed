"""
The main acceptance world: what a monitor has to see, to stop and to tell, and what it has to leave alone.

The runs, each in a conversation of its own: one that is there before the monitor and one that hangs, one that keeps
adding chats, one in which the user writes again, one of an app that may not be stopped, one whose conversation is
deleted, and a healthy one. Where the hanging run was stopped a healthy one begins right afterwards.

The ratings: of a chat that is new, of one hours ago in a conversation without new chats, of one beyond those that a row
embeds and one beyond the first page of chats, one that is withdrawn later, one in a conversation that is deleted later,
one by an agent, a positive one, and one from before the monitor came. A hundred conversations more are quiet.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.simulator.entities import Conversation, RunKind, RunPlan
from monitor.simulator.record import RunRecord
from monitor.simulator.world import World

__all__ = ["FORBIDDEN", "Facts", "Story"]

FORBIDDEN = "Archivist"
"""The app whose runs may not be stopped; the others begin with `Report`."""

_HOUR = 3600.0
_QUIET = 95  # with the others, more than two pages of the list
_SOON = 1 / 12  # of the limit
_RATED = ("fresh", "old", "beyond the newest", "beyond a page", "withdrawn", "rated, then deleted")
_RUNS = ("hanging", "looping", "written", "forbidden", "deleted", "healthy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What is true of a world beside the simulator's record; times are server time, ids those of conversations.

    A run may take `limit` seconds, and what is to be done may be `late` by some. `watched_from` is when the monitor
    came, and `told_from` the time from which on it tells ratings. `written` are the messages of users, and `deleted`
    conversations, by id. In `quiet` ones nothing happens. `names` is for messages.
    """

    limit: float
    late: float
    watched_from: float
    told_from: float
    written: dict[str, tuple[float, ...]] = field(default_factory=dict)
    deleted: dict[str, float] = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    names: dict[str, str] = field(default_factory=dict)

    def name(self, conversation_id: str | None) -> str:
        """Return what a conversation is for."""
        return self.names.get(conversation_id or "", f"unknown conversation {conversation_id}")

    def counts_from(self, run: RunRecord, now: float) -> float:
        """Return where the age of a run counts from at `now`: its begin, or the newest message of the user since."""
        since = [at for at in self.written.get(run.conversation_id, ()) if run.began < at <= now]
        return max([run.began, *since])

    def overdue_at(self, run: RunRecord) -> float | None:
        """Return when a run is older than its limit for a monitor that sees everything at once; None for never."""
        due = max(self.counts_from(run, run.ended or float("inf")), self.watched_from) + self.limit
        return due if run.ended is None or due < run.ended else None


class Story:
    """
    Plays in `world`, where a run may take `limit` seconds: most times follow from that.

    A stop, for example, may be `late` by some seconds. The past is made at once. What happens later is planned by
    `begin`, and over after `LENGTH` limits.
    """

    LENGTH = 9.0

    def __init__(self, world: World, *, limit: float, late: float, runs_at_start: bool = True) -> None:
        self.world = world
        self.limit = limit
        self.late = late
        self._ids: dict[str, str] = {}
        self._written: dict[str, tuple[float, ...]] = {}
        self._deleted: dict[str, float] = {}
        self._watched_from = self._told_from = world.now
        self._report, self._forbidden = world.add_app("Report writer"), world.add_app(FORBIDDEN)
        self._user = world.add_user("user-1")
        self._make_past()
        if runs_at_start:
            self._run("early", RunPlan())

    @property
    def facts(self) -> Facts:
        """What is true so far."""
        return Facts(
            limit=self.limit,
            late=self.late,
            watched_from=self._watched_from,
            told_from=self._told_from,
            written=dict(self._written),
            deleted=dict(self._deleted),
            quiet=frozenset(id_ for name, id_ in self._ids.items() if name.startswith("quiet")),
            names={id_: name for name, id_ in self._ids.items()},
        )

    def watch(self) -> None:
        """Note that the monitor comes now."""
        self.world.advance()
        self._watched_from = self.world.now

    def begin(self) -> None:
        """Plan all that happens from now on."""
        self.world.advance()
        self._told_from = self.world.now
        for name in _RUNS:
            plans = {
                "looping": RunPlan(kind=RunKind.LOOPS, every=self.limit / 12),
                "healthy": RunPlan(kind=RunKind.FINISHES, duration=2 / 3 * self.limit),
            }
            self._run(name, plans.get(name, RunPlan()))
        self._talk("fresh", 0.0)
        self._after(0.33, self._rate)
        self._after(0.75, lambda: self._write("written", "Hurry."))
        self._after(3.6, self._take_back)
        self._after(_SOON, self._go_on)

    # What happens

    def _after(self, limits: float, action: object) -> None:
        self.world.at(self.world.now + limits * self.limit, action)  # type: ignore[arg-type]

    def _rate(self) -> None:
        for name in _RATED:
            self.world.rate(self._chat(name), False)
        self.world.rate(self._chat("by agent"), False, by="agent")
        self.world.rate(self._chat("positive"), True)

    def _take_back(self) -> None:
        self.world.rate(self._chat("withdrawn"), None)
        for name in ("deleted", "rated, then deleted"):
            self.world.delete_conversation(self._ids[name])
            self._deleted[self._ids[name]] = self.world.now

    def _go_on(self) -> None:
        """Begin a healthy run where the hanging one ended: a second stop would hit it."""
        conversation = self.world.conversations[self._ids["hanging"]]
        if conversation.run is not None:
            self._after(_SOON, self._go_on)
            return
        self._write("hanging", "Once more.")
        self.world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=2 / 3 * self.limit))

    def _run(self, name: str, plan: RunPlan) -> None:
        app = self._forbidden if name in {"forbidden", "deleted"} else self._report
        conversation = self.world.add_conversation(app=app, user=self._user)
        self._ids[name] = conversation.id
        self.world.add_chat(conversation.id, "USER", "Go.")
        self.world.start_run(conversation.id, plan)

    def _write(self, name: str, message: str) -> None:
        id_ = self._ids[name]
        self._written[id_] = (*self._written.get(id_, ()), self.world.now)
        self.world.add_chat(id_, "USER", message)

    # The past

    def _make_past(self) -> None:
        for number in range(_QUIET):
            self._talk(f"quiet {number}", (3 + number) * _HOUR)
        for name in ("withdrawn", "by agent", "positive", "rated, then deleted"):
            self._talk(name, _HOUR)
        self._talk("old", 5 * _HOUR)
        self._talk("beyond the newest", 2.5 * _HOUR, chats=40)
        self._talk("beyond a page", _HOUR, chats=250)
        self._talk("rated before", _HOUR)
        self.world.rate(self._chat("rated before"), False)

    def _talk(self, name: str, ago: float, *, chats: int = 2) -> Conversation:
        first = self.world.now - ago - chats
        conversation = self.world.add_conversation(app=self._report, user=self._user, at=first)
        for number in range(chats):
            self.world.add_chat(conversation.id, "BOT" if number % 2 else "USER", "text", at=first + number)
        self._ids[name] = conversation.id
        return conversation

    def _chat(self, name: str) -> str:
        """Return the id of the chat that is rated: in long conversations, one in the middle."""
        chats = self.world.conversations[self._ids[name]].chats
        return chats[{"beyond the newest": 5, "beyond a page": 121}.get(name, 1)].id
