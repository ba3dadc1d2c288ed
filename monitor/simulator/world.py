"""The simulated project: what exists, what happens in it as time passes, and the record of what happened."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Literal

from monitor.clock import Clock
from monitor.simulator import runs
from monitor.simulator.agenda import Agenda
from monitor.simulator.entities import App, Category, Chat, Conversation, Ending, Run, RunPlan, User
from monitor.simulator.faults import Fault, FaultKind, Faults
from monitor.simulator.ids import IdMaker
from monitor.simulator.ledger import Ledger
from monitor.simulator.options import Options
from monitor.simulator.ordering import Ordering
from monitor.simulator.record import Record, StopEffect, StopRecord

__all__ = ["Rater", "World"]

Rater = Literal["user", "agent"]


class World:
    """
    A project; every time here is server time: that of `clock` plus the server's clock offset, in whole microseconds.

    Nothing happens by itself: every method first plays what has become due by now, in the order of time, so that the
    same script, seed and requests give the same world. Methods that take an id raise KeyError when nothing has it.
    """

    def __init__(self, clock: Clock, options: Options | None = None, *, seed: int = 0) -> None:
        self.clock = clock
        self.options = options or Options()
        self.start = self.now = self._present()
        self.apps: dict[str, App] = {}
        self.users: dict[str, User] = {}
        self.categories: dict[str, Category] = {}
        self.conversations: dict[str, Conversation] = {}
        self.chats: dict[str, Chat] = {}
        self.by_first_chat = Ordering()
        self.by_last_chat = Ordering()
        self.faults = Faults(seed)
        self.ledger = Ledger()
        self._ids = IdMaker(seed)
        self._agenda = Agenda()
        self._advancing = False

    def advance(self) -> None:
        """Play what has become due; called by what is being played, it does nothing."""
        if self._advancing:
            return
        self._advancing = True
        try:
            present = self._present()
            while (due := self._agenda.pop_due(present)) is not None:
                self.now, action = due
                action()
            self.now = present
        finally:
            self._advancing = False

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Plan `action` for the time `when`; what is past happens at the next look, with its own time."""
        self._agenda.add(_moment(when), action)

    def add_app(self, name: str, *, app_id: str | None = None, description: str | None = None) -> App:
        """Add an LLM app."""
        app = App(id=app_id or self._ids.new("LLMApp", self.start), name=name, description=description)
        self.apps[app.id] = app
        return app

    def add_user(self, user_id: str, *, first_name: str = "", last_name: str = "") -> User:
        """Add a user, or replace the one with this id."""
        self.users[user_id] = User(id=user_id, first_name=first_name, last_name=last_name)
        return self.users[user_id]

    def identify_user(self, user_id: str) -> None:
        """Create the user that an `OWN-USER-ID` header names and that does not exist, and put it on record."""
        if user_id not in self.users:
            self.add_user(user_id)
            self.ledger.add_user(user_id)

    def add_category(self, name: str) -> Category:
        """Add a category of conversations."""
        self.advance()
        category = Category(id=self._ids.new("ConversationCategory", self.now), name=name)
        self.categories[category.id] = category
        return category

    def add_conversation(
        self, *, app: App | None = None, user: User | None = None, title: str = "", at: float | None = None
    ) -> Conversation:
        """Add a conversation without chats, created now or at the past time `at`."""
        self.advance()
        created = self.now if at is None else _moment(at)
        conversation = Conversation(
            id=self._ids.new("Conversation", created), title=title, created_at=created, app=app, user=user
        )
        self.conversations[conversation.id] = conversation
        self._place(conversation)
        return conversation

    def add_chat(
        self,
        conversation_id: str,
        sender: str = "USER",
        message: str = "",
        *,
        completed: bool = True,
        citations: int = 0,
        at: float | None = None,
    ) -> Chat:
        """Add a chat to a conversation, written now or at the past time `at`."""
        self.advance()
        written = self.now if at is None else _moment(at)
        chat = Chat(
            id=self._ids.new("Chat", written),
            conversation_id=conversation_id,
            sender=sender,
            message=message,
            at=written,
            completed=completed,
            type="llm" if sender == "BOT" else None,
            citations=citations,
        )
        conversation = self.conversations[conversation_id]
        insort(conversation.chats, chat, key=attrgetter("at"))
        self.chats[chat.id] = chat
        self._place(conversation)
        return chat

    def write_chat(self, conversation: Conversation, sender: str, message: str, *, completed: bool = True) -> Chat:
        """Add a chat now: what a run does."""
        return self.add_chat(conversation.id, sender, message, completed=completed)

    def start_run(self, conversation_id: str, plan: RunPlan | None = None) -> Run:
        """Begin a background run; one that is already running in the conversation finishes."""
        self.advance()
        conversation = self.conversations[conversation_id]
        run = self.ledger.open_run(conversation, plan or RunPlan(), self.now)
        runs.begin(run, self)
        return run

    def finish_run(self, conversation_id: str) -> None:
        """Let what runs in the conversation finish now; nothing happens when nothing runs."""
        self.advance()
        run = self.conversations[conversation_id].run
        if run is not None:
            runs.end(run, Ending.FINISHED, self.now)

    def note_listed(self, conversations: Sequence[Conversation], *, running: bool) -> None:
        """
        Take note that the list shows these as `running` or not, which may be late and not be so any more.

        From now on the runs that it shows can be known.
        """
        if any((conversation.run is not None) is not running for conversation in conversations):
            self.ledger.add_untrue("list_conversations")
        then = self.now - self.options.running_filter_lag
        for run in (conversation.run_at(then) for conversation in conversations):
            if run is not None:
                run.listed_at = self.now if run.listed_at is None else run.listed_at
                run.listed_until = self.now

    def is_running(self, conversation_id: str) -> bool:
        """Return what the server says of whether a run is going on, which may lag behind, and put it on record."""
        self.advance()
        conversation = self.conversations[conversation_id]
        run = conversation.run_at(self.now - self.options.running_lag)
        if run is not None and run.confirmed_at is None:
            run.confirmed_at = self.now
        if (run is None) is not (conversation.run is None):
            self.ledger.add_untrue("get_running")
        return run is not None

    def check(self, conversation_id: str) -> None:
        """Take note that somebody reads this conversation by id: some runs end just then."""
        self.advance()
        run = self.conversations[conversation_id].run
        if run is not None:
            runs.check(run, self.now)

    def stop(self, conversation_id: str) -> StopRecord:
        """Carry out a stop request and put it on record with the status that the options say."""
        self.advance()
        conversation = self.conversations.get(conversation_id)
        run = conversation.run if conversation is not None else None
        status = 200
        if conversation is None:
            effect, status = StopEffect.MISSING, self.options.missing.status
        elif run is None:
            effect, status = StopEffect.IDLE, self.options.idle_stop
        else:
            lag = self.options.stop_lag if run.plan.stop_lag is None else run.plan.stop_lag
            effect = runs.stop(run, lag, self, completes=self.options.stop_completes)
        return self.ledger.add_stop(conversation_id, effect, run=run, status=status, now=self.now)

    def refuse_stop(self, conversation_id: str, status: int | None) -> None:
        """Put a stop request on record that had no effect; `status` is None when it was not even answered."""
        conversation = self.conversations.get(conversation_id)
        run = conversation.run if conversation is not None else None
        self.ledger.add_stop(conversation_id, StopEffect.REFUSED, run=run, status=status, now=self.now)

    def rate(self, chat_id: str, vote: bool | None, by: Rater = "user") -> None:  # noqa: FBT001 - the API's own value
        """Set a rating: up, down, or withdrawn with None."""
        self.advance()
        chat = self.chats[chat_id]
        if by == "user":
            previous, chat.rating = chat.rating, vote
        else:
            previous, chat.agent_rating = chat.agent_rating, vote
        self.ledger.add_rating(chat, by, previous=previous, vote=vote, now=self.now)
        if self.options.rating_touches and previous is not vote:
            conversation = self.conversations[chat.conversation_id]
            conversation.touched_at = self.now
            self._place(conversation)

    def end_conversation(self, conversation_id: str) -> None:
        """Let the user end a conversation; a run goes on."""
        self.advance()
        self.conversations[conversation_id].is_end = True

    def delete_chat(self, chat_id: str) -> None:
        """Delete a chat; a run that writes it goes on."""
        self.advance()
        chat = self.chats.pop(chat_id)
        conversation = self.conversations[chat.conversation_id]
        conversation.chats.remove(chat)
        self._place(conversation)

    def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation with its chats and its run."""
        self.advance()
        conversation = self.conversations.pop(conversation_id)
        if conversation.run is not None:
            runs.end(conversation.run, Ending.DELETED, self.now)
        for chat in conversation.chats:
            del self.chats[chat.id]
        self.by_first_chat.remove(conversation_id)
        self.by_last_chat.remove(conversation_id)

    def set_fault(self, fault: Fault) -> None:
        """Plan a fault."""
        self.faults.add(fault)

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """Forget the faults of one kind, or all of them."""
        self.faults.remove(kind)

    def revoke_key(self) -> None:
        """Answer 401 to every key from now on."""
        self.faults.add(Fault(kind=FaultKind.REVOKED))

    def restore_key(self) -> None:
        """Accept the key again."""
        self.faults.remove(FaultKind.REVOKED)

    def record(self) -> Record:
        """Return what happened up to now."""
        self.advance()
        return self.ledger.record(self.start, self.now, self.faults.counts())

    def _present(self) -> float:
        return _moment(self.clock.now() + self.options.clock_offset)

    def _place(self, conversation: Conversation) -> None:
        self.by_first_chat.place(conversation.id, conversation.first_chat_at)
        self.by_last_chat.place(conversation.id, conversation.last_chat_at)


def _moment(seconds: float) -> float:
    """Return a time in whole microseconds, so that what comes back as a filter is equal to what was sent."""
    return round(seconds, 6)
