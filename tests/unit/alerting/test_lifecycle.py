from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
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

from monitor.alerting.lifecycle import Step, Terms, advance, announce, due_at, end, fire_event
from monitor.model.alert import Alert, AlertState, Resolution, Transition, fingerprint
from monitor.model.facts import Facts
from tests.support.build import START, alert, identity

WHO = identity(run_id="run-1", conversation_id="c1")
LABELS = {"alertname": "RunOverLimit", "severity": "critical"}
EVENT = Terms(resolve_after=3600.0)


def evaluated(before: Alert | None, at: float, *, true: bool = True, terms: Terms | None = None, **texts: Any) -> Step:
    """Advance an alert to `at` seconds after START."""
    told = {"labels": LABELS, "annotations": {"summary": "too old"}, **texts}
    return advance(before, WHO, true=true, now=START + at, terms=terms or Terms(), **told)


def fired(terms: Terms | None = None, at: float = 0.0) -> Alert:
    """Return an alert whose state became true and fired at once."""
    alert = evaluated(None, at, terms=terms).alert
    assert alert is not None
    assert alert.state is AlertState.FIRING
    return alert


def waiting(*times: float, for_: float = 100.0) -> Step:
    """Return what evaluations at these times made of a state that was true at all of them."""
    step = Step(alert=None)
    for at in times:
        step = evaluated(step.alert, at, terms=Terms(for_=for_))
    return step


# States


def test_state_without_for_fires_at_once() -> None:
    """What has no `for` is announced in the very evaluation that finds it true."""
    step = evaluated(None, 0)
    assert step.alert is not None
    assert (step.transition, step.alert.state, step.alert.fired_at) == (Transition.FIRING, AlertState.FIRING, START)
    assert (step.alert.announced_at, step.alert.fingerprint) == (START, fingerprint(WHO))


def test_firing_state_is_told_once() -> None:
    """While it stays true, nothing more is told."""
    assert evaluated(fired(), 60).transition is None


def test_state_resolves_when_false() -> None:
    """A firing alert whose expression is false has recovered."""
    step = evaluated(fired(), 60, true=False)
    assert step.alert is not None
    assert step.transition is Transition.RESOLVED
    assert (step.alert.state, step.alert.resolved_at, step.alert.resolution) == (
        AlertState.RESOLVED,
        START + 60,
        Resolution.RECOVERED,
    )


def test_resolved_state_stays_resolved_while_false() -> None:
    """What is resolved is not resolved again."""
    resolved = evaluated(fired(), 60, true=False).alert
    assert evaluated(resolved, 120, true=False) == Step(alert=resolved)


def test_resolved_state_fires_anew() -> None:
    """An expression that is true again is another episode of the same alert, with new labels."""
    resolved = evaluated(fired(), 60, true=False).alert
    step = evaluated(resolved, 120, labels={"severity": "warning"})
    assert step.alert is not None
    assert (step.transition, step.alert.fired_at, step.alert.resolved_at) == (Transition.FIRING, START + 120, None)
    assert (step.alert.fingerprint, step.alert.labels) == (fired().fingerprint, {"severity": "warning"})


def test_false_state_without_alert_is_nothing() -> None:
    """An expression that is false from the start leaves no trace."""
    assert evaluated(None, 0, true=False) == Step(alert=None)


def test_pending_alert_is_forgotten_when_false() -> None:
    """What never fired is not resolved either."""
    assert evaluated(waiting(0, 60).alert, 90, true=False, terms=Terms(for_=100.0)) == Step(alert=None)


# `for`


@pytest.mark.parametrize(
    ("times", "fires"),
    [
        pytest.param((0,), False, id="just true"),
        pytest.param((0, 50, 99), False, id="not yet"),
        pytest.param((0, 50, 100), True, id="all of it observed"),
        pytest.param((0, 50, 150), False, id="blind time freezes it"),
        pytest.param((0, 50, 150, 199), False, id="frozen time does not count later"),
        pytest.param((0, 50, 150, 200), True, id="observed time before and after blind time adds up"),
        pytest.param((0, 50, 151), False, id="longer blind time restarts it"),
        pytest.param((0, 50, 151, 201), False, id="what was observed before longer blind time is lost"),
        pytest.param((0, 50, 151, 201, 251), True, id="it is observed anew"),
        pytest.param((0, 50, 20, 60), False, id="a clock that runs backwards observes nothing"),
    ],
)
def test_for_counts_observed_time(times: tuple[float, ...], fires: bool) -> None:  # noqa: FBT001 - of a table
    """`for` is 100 s here and evaluations up to 60 s apart are observation: it fires once 100 s were observed."""
    assert (waiting(*times).transition is Transition.FIRING) is fires


def test_blind_time_longer_than_for_restarts_pending() -> None:
    """After blind time longer than `for` the alert is pending since now."""
    step = waiting(0, 50, 151)
    assert step.alert is not None
    assert (step.alert.pending_since, step.alert.observed) == (START + 151, 0.0)


def test_due_moment_is_not_missed_by_rounding() -> None:
    """At the very moment at which it is due a pending alert fires, whatever floats make of it."""
    terms = Terms(for_=0.3)
    for cents in range(100):
        pending = evaluated(None, cents / 7, terms=terms).alert
        assert pending is not None
        due = due_at(pending, terms)
        assert due is not None
        assert evaluated(pending, due - START, terms=terms).transition is Transition.FIRING


# `keep_firing_for`


@pytest.mark.parametrize(("false_at", "resolves"), [(60, False), (119, False), (120, True), (500, True)], ids=str)
def test_keep_firing_for_counts_from_the_last_true(false_at: float, resolves: bool) -> None:  # noqa: FBT001 - of a table
    """An alert last seen true at 20 s with 100 s of keep_firing_for resolves from 120 s on."""
    terms = Terms(keep_firing_for=100.0)
    kept = evaluated(fired(terms), 20, terms=terms).alert
    assert (evaluated(kept, false_at, true=False, terms=terms).transition is Transition.RESOLVED) is resolves


def test_true_again_while_kept_firing_is_the_same_episode() -> None:
    """A state that flaps within keep_firing_for is told once."""
    terms = Terms(keep_firing_for=100.0)
    kept = evaluated(fired(terms), 50, true=False, terms=terms).alert
    step = evaluated(kept, 80, terms=terms)
    assert (step.transition, step.alert and step.alert.fired_at) == (None, START)


# Events


def test_event_fires_at_once_and_knows_its_end() -> None:
    """An event is announced when it happens, and expires after resolve_after."""
    step = fire_event(WHO, now=START, terms=EVENT, labels=LABELS, annotations={})
    assert step.alert is not None
    assert (step.transition, step.alert.announced_at, step.alert.is_event) == (Transition.FIRING, START, True)
    assert (step.alert.expires_at, due_at(step.alert, EVENT)) == (START + 3600, START + 3600)


@pytest.mark.parametrize("resolution", [Resolution.WITHDRAWN, Resolution.EXPIRED, Resolution.GONE])
def test_event_ends_for_a_reason(resolution: Resolution) -> None:
    """The end of an event is told with why."""
    event = fire_event(WHO, now=START, terms=EVENT, labels=LABELS, annotations={}).alert
    assert event is not None
    step = end(event, resolution, now=START + 9)
    assert step.alert is not None
    assert (step.transition, step.alert.resolution, step.alert.resolved_at) == (
        Transition.RESOLVED,
        resolution,
        START + 9,
    )


# Ends and announcements


def test_end_of_a_pending_alert_is_silent() -> None:
    """A run that ends before its alert fired leaves nothing to tell."""
    pending = waiting(0).alert
    assert pending is not None
    assert end(pending, Resolution.ENDED, now=START) == Step(alert=None)


def test_end_of_a_resolved_alert_changes_nothing() -> None:
    """What is over keeps the reason why it ended."""
    over = alert(state=AlertState.RESOLVED, resolution=Resolution.RECOVERED, resolved_at=START)
    assert end(over, Resolution.GONE, now=START + 9) == Step(alert=over)


def test_announcement_waits_for_the_outcome_of_a_stop() -> None:
    """An alert whose rule stops fires untold, and is due when its time to wait is over."""
    terms = Terms(announce_within=120.0)
    step = evaluated(None, 0, terms=terms)
    assert step.alert is not None
    assert (step.transition, step.alert.state, step.alert.announced_at) == (None, AlertState.FIRING, None)
    assert due_at(step.alert, terms) == step.alert.announce_by == START + 120


def test_announcement_carries_the_outcome() -> None:
    """The outcome of the stop is the label `action`, and what was done stands in the annotation."""
    silent = fired(Terms(announce_within=120.0))
    step = announce(silent, now=START + 9, action="stopped", note="It was stopped.")
    assert step.alert is not None
    assert (step.transition, step.alert.announced_at) == (Transition.FIRING, START + 9)
    assert step.alert.labels == {**LABELS, "action": "stopped"}
    assert step.alert.annotations == {"summary": "too old", "action": "It was stopped."}


def test_announced_alert_is_not_announced_again() -> None:
    """A second outcome changes no label, and brings what the alert says about it up to date without telling it."""
    told = fired()
    outcome = Facts(stop="ineffective")
    step = announce(told, now=START + 9, action="ineffective", note="It goes on.", facts=outcome)
    annotations = {"summary": "too old", "action": "It goes on."}
    assert step == Step(alert=replace(told, annotations=annotations, facts=outcome))


def test_facts_are_those_of_the_newest_evaluation() -> None:
    """Values follow the evaluations up to the end; the outcome of the stop and a quotation stay."""
    told = announce(fired(), now=START, facts=Facts(age=60.0, stop="shadow", excerpt="why?")).alert
    later = evaluated(told, 9, facts=Facts(age=69.0)).alert
    assert later is not None
    assert later.facts == Facts(age=69.0, stop="shadow", excerpt="why?")
    ended = evaluated(later, 12, true=False, facts=Facts(age=72.0)).alert
    assert ended is not None
    assert ended.facts == Facts(age=72.0, stop="shadow", excerpt="why?")
    gone = end(later, Resolution.GONE, now=START + 12).alert
    assert gone is not None
    assert gone.facts == later.facts


def test_pending_alert_cannot_be_announced() -> None:
    """Nobody is told of what did not fire."""
    pending = waiting(0).alert
    assert pending is not None
    assert announce(pending, now=START) == Step(alert=pending)


def test_labels_are_frozen_once_announced() -> None:
    """A rule whose labels are edited keeps the old ones on what was announced; annotations follow, but for `action`."""
    silent = fired(Terms(announce_within=120.0))
    edited = evaluated(silent, 5, labels={"severity": "warning"}).alert
    assert edited is not None
    assert edited.labels == {"severity": "warning"}
    told = announce(edited, now=START + 9, action="stopped", note="It was stopped.").alert
    after = evaluated(told, 20, labels={"severity": "page"}, annotations={"summary": "older"}).alert
    assert after is not None
    assert after.labels == {"severity": "warning", "action": "stopped"}
    assert after.annotations == {"summary": "older", "action": "It was stopped."}


@pytest.mark.parametrize(
    ("of", "terms", "expected"),
    [
        pytest.param(alert(), Terms(), None, id="firing and told"),
        pytest.param(alert(), Terms(keep_firing_for=300.0), START + 300, id="kept firing"),
        pytest.param(alert(state=AlertState.RESOLVED), Terms(keep_firing_for=300.0), None, id="resolved"),
        pytest.param(
            alert(state=AlertState.PENDING, observed=40.0), Terms(for_=100.0), START + 60, id="pending: the rest of for"
        ),
        pytest.param(
            alert(state=AlertState.PENDING, observed=40.0), Terms(for_=20.0), START, id="pending: for was shortened"
        ),
        pytest.param(
            alert(announced_at=None, announce_by=START + 120, expires_at=START + 60), Terms(), START + 60, id="first"
        ),
    ],
)
def test_due_at(of: Alert, terms: Terms, expected: float | None) -> None:
    """An alert is due when the passing of time next changes it, and never where it will not."""
    assert due_at(of, terms) == expected


# A world of evaluations


class LifecycleMachine(RuleBasedStateMachine):
    """
    One alert of a state and one of an event, evaluated well, badly and late, and written as the daemon does.

    `told` are the transitions of the state, in order; `observed` is how much of the state's truth was really observed
    since it was last false or unknown for too long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.terms = Terms()
        self.alert: Alert | None = None
        self.event: Alert | None = None
        self.told: list[Transition] = []
        self.event_told: list[Transition] = []
        self.told_labels: list[dict[str, str]] = []
        self.announcements = 0
        self.true_at: float | None = None
        self.observed = 0.0
        self.severity = 0

    @initialize(
        for_=st.sampled_from([0.0, 30.0, 100.0]),
        keep=st.sampled_from([0.0, 50.0]),
        announce_within=st.sampled_from([None, 120.0]),
    )
    def rule_is_loaded(self, for_: float, keep: float, announce_within: float | None) -> None:
        """Choose the timing of the rule."""
        self.terms = Terms(for_=for_, keep_firing_for=keep, announce_within=announce_within, gap=60.0)

    @rule(seconds=st.sampled_from([1.0, 15.0, 60.0, 61.0, 101.0, 1000.0]))
    def time_passes_unobserved(self, seconds: float) -> None:
        """Let time pass; what is unknown is not evaluated, and changes nothing."""
        self.now += seconds

    @rule()
    def time_passes_until_due(self) -> None:
        """Evaluate at the moment that `due_at` names, and just before it: only the moment itself changes something."""
        pending = self.alert
        if pending is None or pending.state is not AlertState.PENDING:
            return
        due = due_at(pending, self.terms)
        assert due is not None
        if due - pending.true_at > self.terms.gap or due <= self.now:
            return
        early = advance(pending, WHO, true=True, now=due - 0.5, terms=self.terms, labels=LABELS, annotations={})
        if due - 0.5 >= self.now:
            assert early.alert is not None
            assert early.alert.state is AlertState.PENDING
        self.now = due
        self.state_is_true()
        assert self.alert is not None
        assert self.alert.state is AlertState.FIRING

    @rule()
    def state_is_true(self) -> None:
        """Evaluate the state as true."""
        self._observe_true()
        before = self.alert
        self._settle(self._advance(true=True))
        assert self.alert is not None
        if before is None or before.state is not AlertState.FIRING:
            fires = self.observed >= self.terms.for_ - 1e-3
            assert (self.alert.state is AlertState.FIRING) is fires

    @rule(seconds=st.sampled_from([15.0, 60.0, 61.0, 101.0]))
    def state_is_still_true(self, seconds: float) -> None:
        """Let time pass, observed or not, and evaluate the state as true before and after it."""
        self.state_is_true()
        self.now += seconds
        self.state_is_true()

    @rule()
    def state_is_false(self) -> None:
        """Evaluate the state as false."""
        before = self.alert
        self._settle(self._advance(true=False))
        if before is None or before.state is AlertState.PENDING:
            assert self.alert is None
        elif before.state is AlertState.FIRING:
            assert self.true_at is not None
            kept = self.now - self.true_at < self.terms.keep_firing_for
            assert self.alert is not None
            assert (self.alert.state is AlertState.FIRING) is kept
        if self.alert is None or self.alert.state is not AlertState.FIRING:
            self.true_at = None

    @rule()
    def rule_is_edited(self) -> None:
        """Change the severity of the rule."""
        self.severity += 1

    @precondition(lambda self: self.alert is not None)
    @rule(resolution=st.sampled_from([Resolution.ENDED, Resolution.GONE, Resolution.RULE_REMOVED]))
    def subject_ends(self, resolution: Resolution) -> None:
        """End the alert for a reason that is not its expression."""
        assert self.alert is not None
        self._settle(end(self.alert, resolution, now=self.now))
        self.true_at = None

    @precondition(lambda self: self.alert is not None and self.alert.state is AlertState.FIRING)
    @rule(action=st.sampled_from(["stopped", "ineffective", None]))
    def stop_has_an_outcome(self, action: str | None) -> None:
        """Announce the alert with the outcome of its stop, once or again."""
        assert self.alert is not None
        self._settle(announce(self.alert, now=self.now, action=action))

    @rule()
    def event_happens(self) -> None:
        """Let the event happen, unless it is firing already."""
        if self.event is None or self.event.state is AlertState.RESOLVED:
            step = fire_event(WHO, now=self.now, terms=EVENT, labels=LABELS, annotations={})
            assert step.alert is not None
            assert step.alert.announced_at == self.now
            self.event, told = step.alert, step.transition
            self.event_told += [told] if told else []

    @precondition(lambda self: self.event is not None)
    @rule(withdrawn=st.booleans())
    def event_ends(self, *, withdrawn: bool) -> None:
        """End the event, again and again."""
        assert self.event is not None
        step = end(self.event, Resolution.WITHDRAWN if withdrawn else Resolution.EXPIRED, now=self.now)
        assert step.alert is not None
        self.event = step.alert
        self.event_told += [step.transition] if step.transition else []

    def _advance(self, *, true: bool) -> Step:
        labels = {**LABELS, "severity": str(self.severity)}
        return advance(self.alert, WHO, true=true, now=self.now, terms=self.terms, labels=labels, annotations={})

    def _observe_true(self) -> None:
        elapsed = None if self.true_at is None else self.now - self.true_at
        if elapsed is None or (elapsed > self.terms.gap and elapsed > self.terms.for_):
            self.observed = 0.0
        elif elapsed <= self.terms.gap:
            self.observed += elapsed
        self.true_at = self.now

    def _settle(self, step: Step) -> None:
        """Write a step: what ends before it was announced is announced first."""
        after = step.alert
        if step.transition is Transition.RESOLVED and after is not None and after.announced_at is None:
            announced = announce(after, now=self.now)
            after = announced.alert
            assert announced.transition is Transition.FIRING
            self._tell(Transition.FIRING, after)
        if step.transition is not None:
            self._tell(step.transition, after)
        self.alert = after

    def _tell(self, transition: Transition, after: Alert | None) -> None:
        assert after is not None
        assert after.announced_at is not None
        if transition is Transition.FIRING:
            self.announcements += 1
            self.told_labels.append(dict(after.labels))
        else:
            assert dict(after.labels) == self.told_labels[-1], "a resolve has the labels of its firing"
        self.told.append(transition)

    @invariant()
    def firings_and_resolves_alternate(self) -> None:
        """Each firing is told before its resolve, and neither of them twice."""
        for told in (self.told, self.event_told):
            assert told == [Transition.FIRING, Transition.RESOLVED] * (len(told) // 2) + told[len(told) // 2 * 2 :]
            assert not told or told[len(told) // 2 * 2 :] in ([], [Transition.FIRING])

    @invariant()
    def state_agrees_with_what_was_told(self) -> None:
        """Whoever was told last of an alert was told what it is now."""
        if self.alert is None or self.alert.state is AlertState.PENDING:
            assert self.told[-1:] != [Transition.FIRING]
        elif self.alert.state is AlertState.RESOLVED:
            assert self.told[-1:] == [Transition.RESOLVED]
        else:
            assert (self.told[-1:] == [Transition.FIRING]) is (self.alert.announced_at is not None)

    @invariant()
    def labels_of_an_episode_are_frozen(self) -> None:
        """Once announced, an alert has the labels it was announced with, whatever becomes of the rule."""
        if self.alert is not None and self.alert.announced_at is not None:
            assert dict(self.alert.labels) == self.told_labels[-1]


def test_life_of_an_alert_is_consistent() -> None:
    """In whatever order things happen, firings and resolves alternate and `for` counts observed time only."""
    run_state_machine_as_test(
        LifecycleMachine, settings=settings(max_examples=200, stateful_step_count=40, deadline=None)
    )


def test_reason_of_an_end_survives_in_the_alert() -> None:
    """A run alert that ends with its run says so, and keeps when it fired."""
    over = end(replace(fired(), true_at=START + 5), Resolution.ENDED, now=START + 7).alert
    assert over is not None
    assert (over.resolution, over.fired_at) == (Resolution.ENDED, START)
