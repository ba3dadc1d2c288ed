"""
The guard before a stop: may this run be stopped, is it still the same run, and what comes next.

Stopping hits whatever runs in a conversation at that moment, because the API has no run id. So everything here says
no unless all of it is known. Times are server time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.conversation import Conversation
from monitor.model.run import Run
from monitor.model.stop import Stop, StopMode, StopState

__all__ = [
    "MOST_REQUESTS",
    "VERIFY_AFTER",
    "Decision",
    "Next",
    "Recheck",
    "Situation",
    "Standing",
    "decide",
    "next_check_at",
    "next_step",
    "recheck",
    "standing",
]

VERIFY_AFTER = (10.0, 30.0)
"""Seconds after a request at which its effect is looked for; the last look is after `verify_within`."""

MOST_REQUESTS = 3
"""How often the stop of one run is asked for at most; what Alli refused does not count."""

_EPSILON = 1e-6


class Decision(StrEnum):
    """What to do about a run that a rule wants stopped."""

    STOP = "stop"
    SHADOW = "shadow"
    OFF = "off"
    APP_NOT_ALLOWED = "app_not_allowed"
    PAUSED = "paused"
    PROTECTED = "protected"
    CONTRADICTED = "contradicted"  # the list, /running and the chats disagree about the run, or times about ids
    COOLDOWN = "cooldown"
    BUDGET_SPENT = "budget_spent"

    @property
    def may_change(self) -> bool:
        """Whether time, an operator or a further look may turn this refusal into a stop while the run goes on."""
        return self in _MAY_CHANGE

    @property
    def is_refusal(self) -> bool:
        """Whether the rule's wish is turned down."""
        return self.may_change or self is Decision.APP_NOT_ALLOWED


_MAY_CHANGE = {
    Decision.PAUSED,
    Decision.PROTECTED,
    Decision.CONTRADICTED,
    Decision.COOLDOWN,
    Decision.BUDGET_SPENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """
    Everything the decision depends on.

    `spent` and `spent_by_app` are the requests of the last hour, open intents included; in shadow they are simulated
    ones. `last_request_at` is the newest request to this conversation.
    """

    mode: StopMode
    app_allowed: bool
    paused: bool
    protected: bool
    contradicted: bool
    spent: int
    spent_by_app: int
    per_hour: int
    per_app_per_hour: int
    last_request_at: float | None
    cooldown: float
    now: float


def decide(situation: Situation) -> Decision:
    """Return whether to stop, to note that we would have, or why not: the first refusal that applies."""
    s = situation
    cooling = s.last_request_at is not None and s.now - s.last_request_at < s.cooldown
    refusals = (
        (s.mode is StopMode.OFF, Decision.OFF),
        (s.mode is StopMode.ENFORCE and not s.app_allowed, Decision.APP_NOT_ALLOWED),
        (s.protected, Decision.PROTECTED),
        (s.paused, Decision.PAUSED),
        (s.contradicted, Decision.CONTRADICTED),
        (cooling, Decision.COOLDOWN),
        (s.spent >= s.per_hour or s.spent_by_app >= s.per_app_per_hour, Decision.BUDGET_SPENT),
    )
    granted = Decision.STOP if s.mode is StopMode.ENFORCE else Decision.SHADOW
    return next((refusal for applies, refusal in refusals if applies), granted)


class Standing(StrEnum):
    """Whether a decision to stop still holds when its turn comes, before anything is asked of Alli."""

    HOLDS = "holds"
    NOT_SEEN = "not_seen"  # the ledger has not seen the run lately: wait until it does
    AGE_RESTARTED = "age_restarted"
    RULE_CLEARED = "rule_cleared"
    NOT_PERMITTED = "not_permitted"  # the configuration does not want this run stopped any more
    CONTRADICTED = "contradicted"  # the list, /running and the chats disagree about the run


def standing(
    stop: Stop, run: Run, *, permitted: bool, rule_fires: bool, observing_since: float, now: float, gap: float
) -> Standing:
    """
    Return whether what was decided still holds.

    A stop may wait long for its turn: for Alli to take requests again, or for the daemon to be started again. So the
    ledger must have seen the run within `gap` seconds and since this daemon observes, what it saw must still be the
    work whose age was decided on, and the sources must agree about it unless a person asked for the stop.
    """
    if not permitted:
        return Standing.NOT_PERMITTED
    if run.absent_since is not None or run.seen_at < observing_since or now - run.seen_at > gap:
        return Standing.NOT_SEEN
    if run.contradiction is not None and not stop.is_manual:
        return Standing.CONTRADICTED
    if run.age_since > stop.age_since:
        return Standing.AGE_RESTARTED
    return Standing.HOLDS if rule_fires else Standing.RULE_CLEARED


class Recheck(StrEnum):
    """What the look right before a stop says."""

    SAME_RUN = "same_run"
    NOT_RUNNING = "not_running"
    USER_WROTE = "user_wrote"
    OTHER_CHAT = "other_chat"
    CHATS_UNKNOWN = "chats_unknown"


def recheck(run: Run, conversation: Conversation, *, running: bool) -> Recheck:
    """
    Return whether what runs now is the run that became overdue.

    Still running, no new USER chat since `run.age` began to count, the same incomplete chat (or none both times). The
    number of chats is not compared: a loop adds chats.
    """
    if not running:
        return Recheck.NOT_RUNNING
    if conversation.chat_count and not conversation.chats:
        return Recheck.CHATS_UNKNOWN
    user_chat = conversation.newest_user_chat
    if user_chat is not None and user_chat.id != run.user_chat_id and user_chat.at > run.age_since:
        return Recheck.USER_WROTE
    incomplete = conversation.incomplete_chat
    if (incomplete.id if incomplete else None) != run.incomplete_chat_id:
        return Recheck.OTHER_CHAT
    return Recheck.SAME_RUN


class Next(StrEnum):
    """The next step of a stop that goes on."""

    ASK = "ask"  # re-check, then request
    LOOK = "look"  # did the last request have an effect?
    WAIT = "wait"  # nothing before `next_check_at`
    GIVE_UP = "give_up"  # three requests and verify_within after the last one: a human must act


def next_step(stop: Stop, *, now: float, verify_within: float) -> Next:
    """
    Return the next step of a stop that is not done.

    A request that is pending after a restart may have arrived: it is looked at, never blindly asked again.
    """
    if stop.state is StopState.INTENDED or stop.requested_at is None:
        return Next.ASK
    check_at = next_check_at(stop, verify_within=verify_within)
    if check_at is not None:
        return Next.LOOK if now >= check_at - _EPSILON else Next.WAIT
    return Next.GIVE_UP if stop.requests >= MOST_REQUESTS else Next.ASK


def next_check_at(stop: Stop, *, verify_within: float) -> float | None:
    """Return when the effect of the last request is to be looked for next, None when every look was had."""
    asked_at = stop.answered_at if stop.answered_at is not None else stop.requested_at
    if asked_at is None:
        return None
    offsets = [*(after for after in VERIFY_AFTER if after < verify_within), verify_within]
    times = [asked_at + after for after in offsets]
    return next((at for at in times if stop.looked_at is None or stop.looked_at < at - _EPSILON), None)
