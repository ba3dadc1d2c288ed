from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from monitor.alerting.guard import (
    Decision,
    Next,
    Recheck,
    Situation,
    Standing,
    decide,
    next_check_at,
    next_step,
    recheck,
    standing,
)
from monitor.model.conversation import Chat, Conversation
from monitor.model.run import Clash, Contradiction, Run
from monitor.model.stop import Answered, Stop, StopMode, StopState
from tests.support.build import START, bot, conversation, run, stop, user

VERIFY = 120.0

# May this run be stopped?

FREE = Situation(
    mode=StopMode.ENFORCE,
    app_allowed=True,
    paused=False,
    protected=False,
    contradicted=False,
    spent=0,
    spent_by_app=0,
    per_hour=20,
    per_app_per_hour=10,
    last_request_at=None,
    cooldown=600.0,
    now=START,
)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(FREE, Decision.STOP, id="enforce"),
        pytest.param(replace(FREE, mode=StopMode.SHADOW), Decision.SHADOW, id="shadow"),
        pytest.param(replace(FREE, mode=StopMode.OFF), Decision.OFF, id="off"),
        pytest.param(replace(FREE, app_allowed=False), Decision.APP_NOT_ALLOWED, id="app not allowed"),
        pytest.param(
            replace(FREE, mode=StopMode.SHADOW, app_allowed=False), Decision.SHADOW, id="shadow shows every app"
        ),
        pytest.param(replace(FREE, protected=True), Decision.PROTECTED, id="protected"),
        pytest.param(replace(FREE, paused=True), Decision.PAUSED, id="paused"),
        pytest.param(replace(FREE, paused=True, protected=True), Decision.PROTECTED, id="protected before paused"),
        pytest.param(replace(FREE, contradicted=True), Decision.CONTRADICTED, id="the sources disagree"),
        pytest.param(
            replace(FREE, mode=StopMode.SHADOW, contradicted=True), Decision.CONTRADICTED, id="they disagree in shadow"
        ),
        pytest.param(replace(FREE, last_request_at=START - 599), Decision.COOLDOWN, id="within the cooldown"),
        pytest.param(replace(FREE, last_request_at=START - 600), Decision.STOP, id="after the cooldown"),
        pytest.param(replace(FREE, last_request_at=START + 5), Decision.COOLDOWN, id="a request from the future"),
        pytest.param(replace(FREE, spent=19, spent_by_app=9), Decision.STOP, id="the last of the budget"),
        pytest.param(replace(FREE, spent=20), Decision.BUDGET_SPENT, id="budget spent"),
        pytest.param(replace(FREE, spent_by_app=10), Decision.BUDGET_SPENT, id="budget of the app spent"),
        pytest.param(replace(FREE, per_hour=0), Decision.BUDGET_SPENT, id="no budget at all"),
        pytest.param(
            replace(FREE, mode=StopMode.SHADOW, spent=20), Decision.BUDGET_SPENT, id="shadow spends a simulated budget"
        ),
    ],
)
def test_decide(situation: Situation, expected: Decision) -> None:
    """A stop is granted only where nothing at all speaks against it."""
    assert decide(situation) is expected


@pytest.mark.parametrize(
    ("decision", "may_change", "is_refusal"),
    [
        (Decision.STOP, False, False),
        (Decision.SHADOW, False, False),
        (Decision.OFF, False, False),
        (Decision.APP_NOT_ALLOWED, False, True),
        (Decision.PAUSED, True, True),
        (Decision.PROTECTED, True, True),
        (Decision.CONTRADICTED, True, True),
        (Decision.COOLDOWN, True, True),
        (Decision.BUDGET_SPENT, True, True),
    ],
    ids=str,
)
def test_refusals(decision: Decision, may_change: bool, is_refusal: bool) -> None:  # noqa: FBT001 - of a table
    """Brake, cooldown and budget may give way while the run goes on; the list of apps only by a new configuration."""
    assert (decision.may_change, decision.is_refusal) == (may_change, is_refusal)


# Does the decision still hold?

SEEN = run(START - 3600, seen_at=START)


@pytest.mark.parametrize(
    ("of", "permitted", "rule_fires", "observing_since", "expected"),
    [
        pytest.param(SEEN, True, True, START, Standing.HOLDS, id="seen now"),
        pytest.param(replace(SEEN, seen_at=START - 60), True, True, START - 99, Standing.HOLDS, id="within the gap"),
        pytest.param(replace(SEEN, seen_at=START - 61), True, True, START - 99, Standing.NOT_SEEN, id="blind"),
        pytest.param(replace(SEEN, seen_at=START - 1), True, True, START, Standing.NOT_SEEN, id="not since the start"),
        pytest.param(replace(SEEN, absent_since=START), True, True, START, Standing.NOT_SEEN, id="absent"),
        pytest.param(replace(SEEN, age_since=START - 9), True, True, START, Standing.AGE_RESTARTED, id="a break"),
        pytest.param(
            replace(SEEN, contradiction=Contradiction(clash=Clash.NOT_RUNNING, since=START, until=START)),
            True,
            True,
            START,
            Standing.CONTRADICTED,
            id="the sources disagree",
        ),
        pytest.param(SEEN, True, False, START, Standing.RULE_CLEARED, id="the rule is false"),
        pytest.param(SEEN, False, True, START, Standing.NOT_PERMITTED, id="the configuration changed"),
    ],
)
def test_standing(
    of: Run,
    permitted: bool,  # noqa: FBT001 - of a table
    rule_fires: bool,  # noqa: FBT001 - of a table
    observing_since: float,
    expected: Standing,
) -> None:
    """A decision holds while the same work was seen just now, its rule is true and its app may be stopped."""
    verdict = standing(
        stop(age_since=START - 3600),
        of,
        permitted=permitted,
        rule_fires=rule_fires,
        observing_since=observing_since,
        now=START,
        gap=60.0,
    )
    assert verdict is expected


# Is it the same run?

ASKED = user("u1", START - 20)
WRITING = bot("b1", START - 15)
DONE = replace(WRITING, completed=True)
AGED = run(START, ASKED, WRITING)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(conversation(ASKED, WRITING), Recheck.SAME_RUN, id="the same chat"),
        pytest.param(conversation(ASKED, WRITING, chat_count=999), Recheck.SAME_RUN, id="a loop added chats"),
        pytest.param(
            conversation(ASKED, bot("b0", START + 9, completed=True), WRITING), Recheck.SAME_RUN, id="with others"
        ),
        pytest.param(conversation(ASKED, WRITING, user("u2", START + 1)), Recheck.USER_WROTE, id="the user wrote"),
        pytest.param(
            conversation(ASKED, WRITING, user("u0", START - 1)), Recheck.SAME_RUN, id="the message that began it"
        ),
        pytest.param(conversation(ASKED, DONE, bot("b2", START + 1)), Recheck.OTHER_CHAT, id="another chat"),
        pytest.param(conversation(ASKED, DONE), Recheck.OTHER_CHAT, id="no chat any more"),
        pytest.param(conversation(chat_count=2), Recheck.CHATS_UNKNOWN, id="chats not shown"),
    ],
)
def test_recheck(shown: Conversation, expected: Recheck) -> None:
    """The same run is still running, without a new user chat, writing the same chat; anything else is not."""
    assert recheck(AGED, shown, running=True) is expected


def test_recheck_of_what_does_not_run() -> None:
    """What does not run any more is not stopped, whatever its chats say."""
    assert recheck(AGED, conversation(ASKED, WRITING), running=False) is Recheck.NOT_RUNNING


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(conversation(ASKED), Recheck.SAME_RUN, id="none both times"),
        pytest.param(conversation(ASKED, WRITING), Recheck.OTHER_CHAT, id="one that was not there"),
    ],
)
def test_recheck_without_a_chat_being_written(shown: Conversation, expected: Recheck) -> None:
    """A run that wrote no chat is the same only if it still writes none."""
    assert recheck(run(START, ASKED), shown, running=True) is expected


def test_recheck_of_a_conversation_without_chats() -> None:
    """A background run may have no chat at all, which is known and not hidden."""
    assert recheck(run(START), conversation(), running=True) is Recheck.SAME_RUN


def test_recheck_heeds_the_last_break() -> None:
    """A message that already restarted the age is not new; one after that is."""
    chats = (ASKED, WRITING, user("u2", START + 5))
    restarted = replace(AGED, age_since=START + 10, user_chat_id="u2", user_chat_at=START + 5)
    assert recheck(restarted, conversation(*chats), running=True) is Recheck.SAME_RUN
    later = conversation(*chats, user("u3", START + 11))
    assert recheck(restarted, later, running=True) is Recheck.USER_WROTE


# What comes next?


def asked(state: StopState = StopState.REQUESTED, **fields: float) -> Stop:
    """Return a stop with one request, sent at START."""
    return replace(stop(state=state, requests=1, requested_at=START), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "after", "expected"),
    [
        pytest.param(stop(), 0, Next.ASK, id="intended"),
        pytest.param(stop(requests=1), 0, Next.ASK, id="refused after another"),
        pytest.param(asked(), 9, Next.WAIT, id="too early to look"),
        pytest.param(asked(), 10, Next.LOOK, id="first look"),
        pytest.param(asked(looked_at=START + 10), 29, Next.WAIT, id="between looks"),
        pytest.param(asked(looked_at=START + 10), 30, Next.LOOK, id="second look"),
        pytest.param(asked(looked_at=START + 31), 119, Next.WAIT, id="a late look counts for all before it"),
        pytest.param(asked(looked_at=START + 31), 120, Next.LOOK, id="last look"),
        pytest.param(asked(looked_at=START + 120), 120, Next.ASK, id="no effect"),
        pytest.param(asked(looked_at=START + 120, requests=3), 120, Next.GIVE_UP, id="no effect of three"),
        pytest.param(asked(looked_at=START + 119, requests=3), 119, Next.WAIT, id="not given up early"),
        pytest.param(asked(StopState.REQUESTING, requests=0), 0, Next.WAIT, id="died while asking: not asked blindly"),
        pytest.param(asked(StopState.REQUESTING, requests=0), 4000, Next.LOOK, id="died while asking: looked at first"),
        pytest.param(
            asked(StopState.REQUESTING, requests=0, looked_at=START + 120), 120, Next.ASK, id="died: without effect"
        ),
    ],
)
def test_next_step(of: Stop, after: float, expected: Next) -> None:
    """After a request come the looks at 10 s, 30 s and verify_within; only then another request or the end."""
    assert next_step(of, now=START + after, verify_within=VERIFY) is expected


@pytest.mark.parametrize("verify_within", [5.0, 10.0, 30.0, 120.0])
def test_last_look_is_at_verify_within(verify_within: float) -> None:
    """However short verify_within is, the last look comes exactly then and none after it."""
    looks = []
    of = asked()
    while (at := next_check_at(of, verify_within=verify_within)) is not None:
        looks.append(at - START)
        of = replace(of, looked_at=at)
    assert looks == sorted({t for t in (10.0, 30.0) if t < verify_within} | {verify_within})


def test_looks_count_from_the_answer() -> None:
    """A request may have been taken as late as it was answered: the next one comes `verify_within` after that."""
    late = replace(asked(looked_at=START + VERIFY), answered_at=START + 3)
    assert next_check_at(late, verify_within=VERIFY) == START + 3 + VERIFY


def test_nothing_to_look_for_before_a_request() -> None:
    """A stop that asked for nothing has no effect to look for."""
    assert next_check_at(stop(), verify_within=VERIFY) is None


# The protocol


class Fate(Enum):
    """What becomes of one request."""

    EFFECTIVE = auto()
    INEFFECTIVE = auto()
    EFFECTIVE_UNANSWERED = auto()
    LOST_UNANSWERED = auto()
    REFUSED = auto()
    DIED_BEFORE_SENDING = auto()
    DIED_AFTER_SENDING = auto()


EFFECTIVE = frozenset({Fate.EFFECTIVE, Fate.EFFECTIVE_UNANSWERED, Fate.DIED_AFTER_SENDING})
COUNTED = frozenset({Answered.PENDING, Answered.ACCEPTED, Answered.UNANSWERED})


@dataclass
class Entry:
    """One request in the journal, or on its way to Alli."""

    at: float
    answer: Answered


@dataclass
class Overdue:
    """One conversation whose run became overdue, as Alli has it, and the journal of its stop."""

    number: int
    chats: list[Chat]
    running: bool = True
    same_run: bool = True
    stop: Stop | None = None
    journal: list[Entry] = field(default_factory=list)

    def shown(self) -> Conversation:
        """Return the conversation as Alli shows it."""
        return conversation(*self.chats, id_=f"c{self.number}")


class StopMachine(RuleBasedStateMachine):
    """
    Three overdue runs, their journal, and an Alli that may do anything; the daemon dies between any two writes.

    The steps are those of the stop handler: what is under test is that the guard, asked again and again about what
    stands in the journal, keeps what is promised of stops.
    """

    def __init__(self) -> None:
        super().__init__()
        self.per_hour = self.per_app_per_hour = 0
        self.now = START
        self.overdue: list[Overdue] = []

    @initialize(budget=st.sampled_from([(20, 10), (4, 3), (3, 1)]))
    def runs_are_overdue(self, budget: tuple[int, int]) -> None:
        """Begin with a budget and three runs that are overdue; two of them are of one app."""
        self.per_hour, self.per_app_per_hour = budget
        self.overdue = [Overdue(number=n, chats=[ASKED, WRITING]) for n in range(3)]

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 20.0, 90.0, 600.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(number=st.integers(0, 2))
    def time_passes_until_a_look(self, number: int) -> None:
        """Let time pass until the effect of a request is to be looked for."""
        of = self.overdue[number]
        if of.stop is not None and (at := next_check_at(of.stop, verify_within=VERIFY)) is not None:
            self.now = max(self.now, at)

    @rule(number=st.integers(0, 2), fate=st.sampled_from([Fate.INEFFECTIVE, Fate.LOST_UNANSWERED]))
    def request_has_no_effect(self, number: int, fate: Fate) -> None:
        """Take a stop through all the looks after its last request, and through a next one that is lost on Alli."""
        self.stop_is_decided(number)
        for _look in range(3):
            self.time_passes_until_a_look(number)
            self.next_step_is_done(number, fate)
        self.next_step_is_done(number, fate)

    @rule(number=st.integers(0, 2), really=st.sampled_from([False, False, False, True]))
    def run_finishes(self, number: int, *, really: bool) -> None:
        """Let a run end by itself, now and then."""
        self.overdue[number].running &= not really

    @rule(number=st.integers(0, 2), writing=st.booleans(), really=st.sampled_from([False, False, False, True]))
    def next_run_begins(self, number: int, *, writing: bool, really: bool) -> None:
        """Let a user write, and the app take it up, now and then."""
        if not really:
            return
        of = self.overdue[number]
        of.chats = [replace(chat, completed=True) for chat in of.chats]
        of.chats.append(user(f"u{len(of.chats)}", self.now + 0.5))
        if writing:
            of.chats.append(bot(f"b{len(of.chats)}", self.now + 0.6))
        of.running, of.same_run = True, False
        self.now += 1

    @rule(number=st.integers(0, 2))
    def stop_is_decided(self, number: int) -> None:
        """Decide about a run that has no stop yet."""
        of = self.overdue[number]
        if of.stop is not None:
            return
        spent, by_app = self._spent(of)
        requests = [entry.at for entry in of.journal if entry.answer in COUNTED]
        decision = decide(
            replace(
                FREE,
                spent=spent,
                spent_by_app=by_app,
                per_hour=self.per_hour,
                per_app_per_hour=self.per_app_per_hour,
                last_request_at=max(requests, default=None),
                now=self.now,
            )
        )
        if decision is Decision.STOP:
            of.stop = stop(id=number, conversation_id=f"c{number}", decided_at=self.now)

    @rule(number=st.integers(0, 2), fate=st.sampled_from(Fate))
    def next_step_is_done(self, number: int, fate: Fate) -> None:
        """Do the next step of a stop; if it is a request, this becomes of it."""
        of = self.overdue[number]
        if of.stop is None or of.stop.state is StopState.DONE:
            return
        step = next_step(of.stop, now=self.now, verify_within=VERIFY)
        check_at = next_check_at(of.stop, verify_within=VERIFY)
        if step is Next.WAIT:
            assert check_at is not None
            assert self.now < check_at <= self.now + VERIFY, "it waits for a look that comes"
        elif step is Next.LOOK:
            assert of.stop.requested_at is not None
            self._look(of, of.stop)
        elif step is Next.GIVE_UP:
            assert of.stop.requests == 3
            assert of.stop.requested_at is not None
            assert self.now - of.stop.requested_at >= VERIFY - 1e-3
            of.stop = replace(of.stop, state=StopState.DONE)
        else:
            self._ask(of, of.stop, fate)

    def _look(self, of: Overdue, journalled: Stop) -> None:
        over = not of.running or not of.same_run
        of.stop = replace(journalled, state=StopState.DONE) if over else replace(journalled, looked_at=self.now)

    def _ask(self, of: Overdue, journalled: Stop, fate: Fate) -> None:
        spent, by_app = self._spent(of)
        if journalled.requests and (spent >= self.per_hour or by_app >= self.per_app_per_hour):
            return
        verdict = recheck(AGED, of.shown(), running=of.running)
        if verdict is not Recheck.SAME_RUN:
            of.stop = replace(journalled, state=StopState.DONE)
            return
        assert of.same_run, "the re-check let another run through"
        self._check_before_request(of, journalled)
        if journalled.state is StopState.REQUESTING:
            of.journal[-1].answer = Answered.WITHOUT_EFFECT
        entry = Entry(at=self.now, answer=Answered.PENDING)
        of.journal.append(entry)
        of.stop = replace(journalled, state=StopState.REQUESTING, requested_at=self.now, looked_at=None)
        if fate in EFFECTIVE:
            of.running = False
        if fate is Fate.REFUSED:
            entry.answer = Answered.REFUSED
            of.stop = replace(of.stop, state=StopState.INTENDED, requested_at=None)
            assert of.stop.requests == journalled.requests
        elif fate not in {Fate.DIED_BEFORE_SENDING, Fate.DIED_AFTER_SENDING}:
            unanswered = fate in {Fate.EFFECTIVE_UNANSWERED, Fate.LOST_UNANSWERED}
            entry.answer = Answered.UNANSWERED if unanswered else Answered.ACCEPTED
            of.stop = replace(of.stop, state=StopState.REQUESTED, requests=of.stop.requests + 1)

    def _check_before_request(self, of: Overdue, journalled: Stop) -> None:
        """Whatever may have arrived was looked for, at the latest verify_within after it."""
        may_have_arrived = [entry for entry in of.journal if entry.answer in COUNTED]
        assert journalled.requests < 3
        for entry in may_have_arrived:
            assert self.now - entry.at >= VERIFY - 1e-3, "two requests within verify_within"
        if journalled.state is not StopState.INTENDED:
            assert journalled.looked_at is not None, "asked again without a look"
            assert journalled.looked_at >= may_have_arrived[-1].at + VERIFY - 1e-3

    def _spent(self, of: Overdue) -> tuple[int, int]:
        """Count what the store counts: requests of the last hour, and open intents of others."""
        spent = by_app = 0
        for other in self.overdue:
            recent = sum(entry.answer in COUNTED and entry.at > self.now - 3600 for entry in other.journal)
            intended = other is not of and other.stop is not None and other.stop.state is StopState.INTENDED
            spent += recent + intended
            by_app += (recent + intended) * ((other.number == 2) == (of.number == 2))
        return spent, by_app

    @invariant()
    def budget_is_kept(self) -> None:
        """In no hour do more requests count than the budget allows, in all and for one app."""
        for same_app, most in (((0, 1, 2), self.per_hour), ((0, 1), self.per_app_per_hour)):
            times = sorted(
                entry.at
                for of in self.overdue
                if of.number in same_app
                for entry in of.journal
                if entry.answer in COUNTED
            )
            for first in times:
                assert sum(first <= at < first + 3600 for at in times) <= most

    @invariant()
    def requests_are_few(self) -> None:
        """At most three requests of a run count, and the journal of the stop agrees with that of its requests."""
        for of in self.overdue:
            counted = [entry for entry in of.journal if entry.answer in {Answered.ACCEPTED, Answered.UNANSWERED}]
            assert len(counted) <= 3
            assert len(counted) == (of.stop.requests if of.stop else 0)


def test_protocol_keeps_its_promises() -> None:
    """Whatever Alli, users and power cuts do, stops stay few, spaced, looked after and aimed at the same run."""
    run_state_machine_as_test(StopMachine, settings=settings(max_examples=250, stateful_step_count=40, deadline=None))
