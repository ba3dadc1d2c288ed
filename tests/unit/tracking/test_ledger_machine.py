"""The run ledger against a world that runs, loops, answers, finishes, hides and is looked at badly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.alerting.guard import Recheck, recheck
from monitor.model.conversation import Chat, Conversation
from monitor.model.run import Outcome, Run
from monitor.tracking.runs import Sighting, blind_after, end, reconcile
from tests.support.build import PROJECT, START, bot, conversation, user

GAP = blind_after(10.0)
EMBEDDED = 20


@dataclass
class Talk:
    """
    A conversation as it really is.

    `working_since` is when the piece of work that runs now began, None while none runs. While one runs, a `chatty`
    one always has a chat being written; a `pausing` one does not always, and a `silent` one never.
    """

    id: str
    manner: str
    chats: list[Chat] = field(default_factory=list)
    working_since: float | None = None
    message_waits: bool = False
    doubtful: bool = False  # a list left it out, or its row was unreadable
    hidden: bool = False  # its chats were not embedded in the newest sighting
    work_shown: bool = False  # some sighting embedded the chats of the work that goes on

    def write(self, at: float) -> None:
        """Complete what is being written and begin another chat."""
        self.pause()
        self.chats.append(bot(f"{self.id}-b{len(self.chats)}", at))

    def pause(self) -> None:
        """Complete what is being written."""
        self.chats = [replace(chat, completed=True) for chat in self.chats]

    def begin(self, at: float) -> None:
        """Begin a piece of work."""
        self.working_since = at
        self.message_waits = self.work_shown = False
        if self.manner != "silent":
            self.write(at)

    def shown(self, *, embedded: bool = True) -> Conversation:
        """Return the conversation as the API shows it."""
        chats = self.chats[-EMBEDDED:] if embedded else []
        return conversation(*chats, id_=self.id, chat_count=len(self.chats))


@dataclass
class Pass:
    """A pass over the list of running conversations whose answer is under way: what it read, and of which work."""

    asked_at: float
    shown: list[Conversation]
    working_since: dict[str, float]
    unreadable: frozenset[str]
    complete: bool


class LedgerMachine(RuleBasedStateMachine):
    """
    The world goes on between the moment at which a list was read and the one at which its answer came.

    A message that waits until the work before it is done is left out where no chat ever shows the change from the one
    to the other: in the midst of an answer, and before the chats of the work were seen or where it writes none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.talks: dict[str, Talk] = {}
        self.open: dict[str, Run] = {}
        self.ended: dict[str, Run] = {}
        self.previous_asked_at: float | None = None
        self.under_way: Pass | None = None

    @initialize()
    def conversations_begin(self) -> None:
        """Begin to work in one conversation of each manner, with and without a message."""
        for manner, by_message in (("chatty", True), ("pausing", True), ("silent", False)):
            talk = Talk(id=manner, manner=manner)
            if by_message:
                talk.chats.append(user(f"{talk.id}-u0", self._later()))
            talk.begin(self._later())
            self.talks[talk.id] = talk

    def _later(self) -> float:
        self.now += 0.01
        return self.now

    def _talk(self, number: int) -> Talk:
        return list(self.talks.values())[number % len(self.talks)]

    # The world

    @rule(seconds=st.sampled_from([1.0, 10.0, 10.0, 59.0, 61.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass, sometimes more than a blind gap."""
        self.now += seconds

    @rule(number=st.integers(0, 2))
    def user_writes(self, number: int) -> None:
        """Write a message: it begins a piece of work, or comes in the midst of one."""
        talk = self._talk(number)
        talk.chats.append(user(f"{talk.id}-u{len(talk.chats)}", self._later()))
        if talk.working_since is None:
            talk.begin(self.now)
        elif talk.manner == "chatty" and talk.work_shown and self.under_way is None:
            talk.message_waits = True

    @rule(number=st.integers(0, 2), stop=st.booleans())
    def app_writes(self, number: int, *, stop: bool) -> None:
        """Loop on to another chat, or just complete the one being written."""
        talk = self._talk(number)
        if talk.working_since is None or talk.manner == "silent":
            return
        if stop and talk.manner == "pausing":
            talk.pause()
        else:
            talk.write(self._later())

    @rule(number=st.integers(0, 2))
    def work_finishes(self, number: int) -> None:
        """Finish a piece of work; a message that waits is taken up at once."""
        talk = self._talk(number)
        if talk.working_since is None:
            return
        talk.pause()
        talk.working_since = None
        if talk.message_waits:
            talk.begin(self._later())

    @rule(number=st.integers(0, 2))
    def next_work_follows(self, number: int) -> None:
        """Finish and take up the next message right away, unseen between two polls."""
        self.work_finishes(number)
        self.user_writes(number)

    # The monitor

    @precondition(lambda self: self.under_way is None)
    @rule(seconds=st.sampled_from([1.0, 10.0]))
    def poll_goes_well(self, seconds: float) -> None:
        """Let a poll interval pass, and see all that runs."""
        self.now += seconds
        self.list_is_read(set(), set(), set(), complete=True)
        self.answer_comes(confirmed=True)

    @precondition(lambda self: self.under_way is None)
    @rule()
    def waiting_message_is_taken_up(self) -> None:
        """See a message come in the midst of the work, which is finished before the message becomes work itself."""
        self.poll_goes_well(1.0)
        self.user_writes(0)
        self.poll_goes_well(1.0)
        self.work_finishes(0)

    @precondition(lambda self: self.under_way is None)
    @rule(
        left_out=st.sets(st.integers(0, 2), max_size=1),
        unreadable=st.sets(st.integers(0, 2), max_size=1),
        unembedded=st.sets(st.integers(0, 2), max_size=1),
        complete=st.sampled_from([True, True, True, False]),
    )
    def list_is_read(self, left_out: set[int], unreadable: set[int], unembedded: set[int], *, complete: bool) -> None:
        """Read the list of running conversations, well or badly."""
        shown, since, bad = [], {}, set()
        for number, talk in enumerate(self.talks.values()):
            if talk.working_since is None:
                continue
            if number in left_out or number in unreadable:
                talk.doubtful = True
                bad |= {talk.id} if number in unreadable else set()
                continue
            talk.hidden = number in unembedded
            talk.work_shown |= not talk.hidden
            shown.append(talk.shown(embedded=not talk.hidden))
            since[talk.id] = talk.working_since
        self.under_way = Pass(
            asked_at=self.now, shown=shown, working_since=since, unreadable=frozenset(bad), complete=complete
        )

    @precondition(lambda self: self.under_way is not None)
    @rule(confirmed=st.booleans())
    def answer_comes(self, *, confirmed: bool) -> None:
        """Reconcile the ledger with the answer, as the cycle does, and check what it made of it."""
        seen, self.under_way = self.under_way, None
        assert seen is not None
        at = self._later()
        ledger = reconcile(
            self.open,
            [Sighting(conversation=shown, at=at) for shown in seen.shown],
            project=PROJECT,
            complete=seen.complete,
            unreadable=seen.unreadable,
            asked_at=seen.asked_at,
            not_running_at=self.previous_asked_at,
            gap=GAP,
        )
        for begun in ledger.begun:
            assert begun.conversation_id not in self.open
            self._put(begun)
        for followed in ledger.followed:
            if followed.ended is not None:
                self._end(followed.ended)
            self._put(followed.run)
        assert seen.complete or ledger.missing == ()
        for missing in ledger.missing:
            assert missing.conversation_id not in seen.unreadable
            running = self.talks[missing.conversation_id].working_since is not None
            self._put(missing)
            if confirmed and not running:
                self._end(end(missing, Outcome.FINISHED, at=missing.absent_since or at))
        self._check_ages(seen)
        if seen.complete:
            self.previous_asked_at = seen.asked_at

    @rule(number=st.integers(0, 2))
    def stop_is_rechecked(self, number: int) -> None:
        """Whatever the ledger believes, a stop that its re-check lets through hits work at least as old as the age."""
        talk = self._talk(number)
        run = self.open.get(talk.id)
        if run is None:
            return
        verdict = recheck(run, talk.shown(), running=talk.working_since is not None)
        if verdict is Recheck.SAME_RUN:
            assert talk.working_since is not None
            assert talk.working_since <= run.age_since
        else:
            assert talk.working_since is None or verdict is not Recheck.NOT_RUNNING

    def _put(self, run: Run) -> None:
        assert run.id not in self.ended
        assert run.ended_at is None
        self.open[run.conversation_id] = run

    def _end(self, run: Run) -> None:
        assert run.id not in self.ended, "an ended run changed"
        assert run.ended_at is not None
        assert run.ended_at >= run.seen_at
        del self.open[run.conversation_id]
        self.ended[run.id] = run

    def _check_ages(self, seen: Pass) -> None:
        """No age of a run that was just sighted is more than the truth allows."""
        for conversation_id, since in seen.working_since.items():
            run, talk = self.open[conversation_id], self.talks[conversation_id]
            if not talk.hidden:
                assert run.age_since >= since, "the age covers the work before this one"
            if run.not_running_at is not None and not talk.doubtful:
                assert run.not_running_at <= since, "the work was running when it was said not to"

    @invariant()
    def ages_are_ordered(self) -> None:
        """Age is at most the estimate, at most busy, and counts from a moment at which the run was seen."""
        for run in self.open.values():
            assert run.estimate_since <= run.age_since
            assert run.busy_since <= run.age_since
            assert run.began_at <= run.age_since <= run.seen_at <= self.now
            assert run.idle_since <= run.seen_at

    @invariant()
    def runs_are_told_apart(self) -> None:
        """Every run has an id of its own, and a conversation has at most one open run."""
        ids = [run.id for run in self.open.values()]
        assert len(set(ids)) == len(ids)
        assert not set(ids) & set(self.ended)
        assert all(run.conversation_id == key for key, run in self.open.items())


def test_ledger_never_claims_too_much() -> None:
    """Whatever the world does and the API hides, no age covers work that is not the run's own."""
    run_state_machine_as_test(LedgerMachine, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))
