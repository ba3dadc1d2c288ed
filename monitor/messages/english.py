"""Messages in English."""

from __future__ import annotations

from monitor.alerting.guard import Decision
from monitor.messages.words import BuiltinWords, Units, Words
from monitor.model.alert import Resolution, Transition
from monitor.model.builtin import Builtin
from monitor.model.stop import StopResult

__all__ = ["ENGLISH"]

ENGLISH = Words(
    language="en",
    units=Units(day=" d", hour=" h", minute=" min", second=" s", between=" "),
    ago="{duration} ago",
    just_now="just now",
    states={
        Transition.FIRING: "FIRING",
        Transition.ACKNOWLEDGED: "ACKNOWLEDGED",
        Transition.RESOLVED: "RESOLVED",
    },
    still_firing="STILL FIRING",
    counted="{count} {state}",
    more="+{count} more",
    since="Since",
    running="Running for",
    ran="Ran for",
    count="Count",
    rating="Rating",
    stop="Stop",
    to_do="To do",
    progress="Last progress",
    last_step="Last step",
    not_observed="Not observed",
    acknowledged_by="Acknowledged by",
    lasted="Lasted",
    ended="Ended",
    details="Details",
    conversation="Conversation",
    labels="Labels",
    since_then="{time}, {ago}",
    between="{duration}, {begin} to {end}",
    at_least="at least {duration}",
    limited="{value}, limit {limit}",
    counted_within="{count} within {within}",
    rated="{rating}, by {by}",
    step="{step}, {ago}",
    blind_before="nothing was seen for {duration} right before this",
    ratings={"positive": "positive", "negative": "negative", "none": "none (taken back)"},
    raters={"user": "a user", "agent": "an operator"},
    resolutions={
        Resolution.RECOVERED: "what it tells is no longer true",
        Resolution.ENDED: "the run ended",
        Resolution.GONE: "the conversation was deleted",
        Resolution.WITHDRAWN: "the rating was taken back or changed",
        Resolution.EXPIRED: "nothing changed until its time was over (resolve_after)",
        Resolution.RULE_REMOVED: "its rule was removed; what it was about may go on",
        Resolution.PROJECT_REMOVED: "its project was removed; what it was about may go on",
    },
    stops={
        StopResult.STOPPED: "the monitor stopped the run and saw that it ended",
        StopResult.SHADOW: (
            "the monitor would have stopped the run, but only watches (auto_stop.mode: shadow). To arm it, "
            "set auto_stop.mode to enforce and list the app in auto_stop.apps"
        ),
        StopResult.ALREADY_FINISHED: "not needed: the run ended by itself before it was asked to stop",
        StopResult.CHANGED: "not stopped, because it is no longer the same run",
        StopResult.INEFFECTIVE: "NO EFFECT: the monitor asked for a stop and the run goes on. A person must act",
        StopResult.REFUSED: "not stopped",
        StopResult.ERROR: "FAILED: Alli refused to stop the run. A person must act",
    },
    because="{what}: {why}",
    why_refused={
        Decision.OFF: "automatic stops are off (auto_stop.mode: off)",
        Decision.APP_NOT_ALLOWED: "its app is not in auto_stop.apps",
        Decision.PAUSED: "automatic stops are paused; “alli-monitor autostop resume” lets them go on",
        Decision.PROTECTED: "an operator protected its conversation",
        Decision.CONTRADICTED: "what Alli says about the run contradicts itself",
        Decision.COOLDOWN: "another run of its conversation was stopped a short while ago (auto_stop.cooldown)",
        Decision.BUDGET_SPENT: "the stops of this hour are used up (auto_stop.budget)",
    },
    builtins={
        Builtin.MONITOR_API_AUTH: BuiltinWords(
            summary="Alli refuses the monitor's credential. Nothing of this project is observed.",
            to_do="Renew the API key in Alli (Settings > General) and put it where the configuration reads it.",
        ),
        Builtin.MONITOR_BLIND: BuiltinWords(
            summary="The monitor gets no complete look at the runs of this project.",
            to_do=(
                "See whether Alli can be reached from here, and the log of the monitor. "
                "Until then long runs are neither seen nor stopped."
            ),
        ),
        Builtin.MONITOR_DEGRADED: BuiltinWords(
            summary="Alli's answers contradict themselves, or lack something the monitor needs.",
            to_do="Run “alli-monitor check --online”. What is in doubt is not stopped automatically.",
        ),
        Builtin.RECEIVER_FAILING: BuiltinWords(
            summary="A receiver does not take notifications.",
            to_do=(
                "Correct the receiver's address, credential or channel. "
                "What waits for it is kept and delivered; what it refused for good was set aside."
            ),
        ),
        Builtin.RULE_FAILING: BuiltinWords(
            summary="A rule failed when it was evaluated. It stays on.",
            to_do="Correct the rule and reload. Until then it may miss what it should tell.",
        ),
        Builtin.GHOST_RUN: BuiltinWords(
            summary="Alli lists a run that its other answers deny. It is not stopped automatically.",
            to_do="Look at the conversation. If nothing runs there, report it to Allganize.",
        ),
        Builtin.ZOMBIE_CHAT: BuiltinWords(
            summary="Nothing runs any more, but the answer that was being written was never completed.",
            to_do="Look at the conversation: somebody may still be waiting for the answer.",
        ),
        Builtin.STOP_INEFFECTIVE: BuiltinWords(
            summary="The monitor asked for a stop and the run goes on.",
            to_do="Stop the run in Alli now. If it goes on even so, report it to Allganize: it uses up credits.",
        ),
        Builtin.STOP_BUDGET_SPENT: BuiltinWords(
            summary="The automatic stops of this hour are used up, and overdue runs go on.",
            to_do=(
                "Find out why so many runs are overdue. "
                "Stop single ones with “alli-monitor stop CONVERSATION”, or raise auto_stop.budget."
            ),
        ),
        Builtin.STORAGE_FAILING: BuiltinWords(
            summary="The monitor cannot keep its state.",
            to_do="See to the disk and the database file. Until then nothing new is observed, told or stopped.",
        ),
        Builtin.WATCHDOG: BuiltinWords(
            summary="Always firing: when it stops arriving, the monitor or the way to you is broken.",
            to_do="Nothing, as long as it arrives.",
        ),
        Builtin.BASELINE_RECORDED: BuiltinWords(
            summary="The monitor looked at this project for the first time. What was rated before is not alerted.",
            to_do="Nothing. From now on every change is told.",
        ),
        Builtin.RATINGS_CAUGHT_UP: BuiltinWords(
            summary="After a time without observation, many ratings were found at once. They are not told one by one.",
            to_do="Look at the ratings in the console. From now on every change is told by itself.",
        ),
        Builtin.DRILL: BuiltinWords(
            summary="This is a drill: nothing is wrong. It shows that alerts reach you.",
            to_do="Nothing. It is resolved by itself.",
        ),
    },
    open_conversation="Conversation",
    open_console="Console",
    open_runbook="Runbook",
)
