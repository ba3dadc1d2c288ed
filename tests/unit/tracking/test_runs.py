"""Each sentence of the contract about the ages of a run and about the next run, as an example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.model.conversation import Chat
from monitor.model.run import Break, Outcome, Run
from monitor.tracking.runs import Ledger, Sighting, begin, blind_after, end, follow, reconcile
from tests.support.build import PROJECT, START, bot, conversation, run, sighting, steps, user

GAP = 60.0
"""The longest gap between two sightings that is no break, at an interval of 10 seconds."""

ASKED = user("u1", START - 20)
WRITING = bot("b1", START - 15)


def seen(at: float, *chats: Chat, run_: Run | None = None) -> Run:
    """Return what a further sighting `at` seconds after START makes of a run that began at START."""
    return follow(run_ or run(START, ASKED, WRITING), sighting(START + at, *chats), gap=GAP).run


def reconciled(
    open_runs: list[Run], *sightings: Sighting, complete: bool = True, unreadable: frozenset[str] = frozenset()
) -> Ledger:
    """Reconcile a pass that was asked for 10 seconds after START."""
    return reconcile(
        {r.conversation_id: r for r in open_runs},
        sightings,
        project=PROJECT,
        complete=complete,
        unreadable=unreadable,
        asked_at=START + 10,
        not_running_at=START,
        gap=GAP,
    )


# The first sighting


def test_run_begins_when_the_list_was_answered() -> None:
    """Every age of a new run counts from the moment at which the list that shows it was answered."""
    begun = run(START, ASKED, WRITING)
    assert (begun.began_at, begun.age_since, begun.busy_since, begun.idle_since, begun.seen_at) == (START,) * 5


def test_estimate_comes_from_the_latest_evidence() -> None:
    """The estimate of a new run counts from the latest of its user chat and its incomplete chat."""
    assert run(START, ASKED, WRITING).estimate_since == WRITING.at


def test_estimate_heeds_the_earliest_step() -> None:
    """Where steps are known, the earliest of them is evidence of the start."""
    detail = replace(WRITING, steps=steps(3, at=START - 12))
    begun = begin(PROJECT, sighting(START, ASKED, WRITING, detail=detail), not_running_at=None)
    assert begun.estimate_since == START - 12


def test_estimate_heeds_a_message_that_waits_for_its_answer() -> None:
    """Before the app writes, the user's message is what the run is about."""
    assert run(START, user("u1", START - 7)).estimate_since == START - 7


def test_answered_message_is_no_evidence() -> None:
    """A message that was answered already says nothing about what runs now."""
    assert run(START, user("u1", START - 500), bot("b1", START - 480, completed=True)).estimate_since == START


@pytest.mark.parametrize(
    ("written", "not_running_at", "expected"),
    [
        pytest.param(START - 500, START - 10, START - 10, id="not before it was last seen not running"),
        pytest.param(START + 30, None, START, id="not after it was seen running"),
    ],
)
def test_estimate_is_bounded_by_what_was_observed(
    written: float, not_running_at: float | None, expected: float
) -> None:
    """Evidence outside of what the monitor itself observed is cut to it."""
    assert run(START, bot("b1", written), not_running_at=not_running_at).estimate_since == expected


def test_at_most_is_absent_when_unknown() -> None:
    """Without an observation of not running, nothing is claimed about the most that a run can be old."""
    assert run(START, WRITING).not_running_at is None


def test_at_most_counts_from_the_last_complete_pass_without_the_run() -> None:
    """A run that a pass shows for the first time was not running when the pass before was asked for."""
    (begun,) = reconciled([], sighting(START + 12, WRITING)).begun
    assert begun.not_running_at == START


def test_run_may_have_no_user_chat() -> None:
    """A run in the background begins without any message, and is followed without a break."""
    begun = run(START)
    followed = follow(begun, sighting(START + 10), gap=GAP)
    assert (begun.user_chat_id, followed.because, followed.run.age_since) == (None, None, START)


# Going on


def test_age_goes_on_while_the_same_chat_is_written() -> None:
    """Sightings of the same incomplete chat move nothing but the time at which the run was last seen."""
    followed = follow(run(START, ASKED, WRITING), sighting(START + 10, ASKED, WRITING), gap=GAP)
    assert followed.because is None
    assert followed.run == replace(run(START, ASKED, WRITING), seen_at=START + 10)


def test_restart_of_the_daemon_is_no_break() -> None:
    """What is followed is the value on disk: as long as the gap is short, nobody can tell that the daemon restarted."""
    assert seen(GAP, ASKED, WRITING).age_since == START


def test_chat_that_completes_is_no_break() -> None:
    """Between two chats of one run there is none to be seen, and the age goes on."""
    assert seen(10, ASKED, replace(WRITING, completed=True)).age_since == START


def test_first_chat_of_a_run_is_no_break() -> None:
    """A chat that comes where there was none before stands in place of nothing."""
    followed = follow(run(START, ASKED), sighting(START + 10, ASKED, bot("b1", START + 5)), gap=GAP)
    assert (followed.because, followed.run.incomplete_chat_id) == (None, "b1")


def test_message_that_began_the_run_is_not_new() -> None:
    """A user chat older than the run is known later where the list embeds no chats: it is no break."""
    begun = run(START, chat_count=2)
    followed = follow(begun, sighting(START + 10, ASKED, WRITING), gap=GAP)
    assert (followed.because, followed.run.user_chat_id) == (None, "u1")


def test_list_that_embeds_no_chats_breaks_nothing() -> None:
    """No chats in the answer while the count says that there are some is unknown: what was known stays."""
    before = run(START, ASKED, WRITING)
    followed = follow(before, sighting(START + 10, chat_count=2), gap=GAP)
    assert followed.because is None
    assert (followed.run.incomplete_chat_id, followed.run.user_chat_id) == ("b1", "u1")


def test_chats_not_seen_do_not_count_as_looked_at() -> None:
    """The count of chats stays that of the last look at them, so that the next poll still sees that there are more."""
    followed = follow(run(START, ASKED, WRITING), sighting(START + 10, chat_count=4), gap=GAP)
    assert followed.run.chat_count == 2


def test_estimate_takes_evidence_that_comes_late() -> None:
    """Where the first list embedded no chats, the chats seen later tell how old the run really is."""
    followed = follow(run(START, chat_count=2), sighting(START + 10, ASKED, WRITING), gap=GAP)
    assert followed.run.estimate_since == WRITING.at
    assert followed.run.age_since == START


def test_estimate_that_comes_late_stays_bounded() -> None:
    """Late evidence cannot make a run begin before it was last observed not running."""
    begun = run(START, not_running_at=START - 5, chat_count=2)
    assert follow(begun, sighting(START + 10, ASKED, WRITING), gap=GAP).run.estimate_since == START - 5


def test_app_and_user_are_kept_when_an_answer_lacks_them() -> None:
    """An API null for app or user in a later answer does not make a run anonymous."""
    followed = follow(run(START, ASKED), sighting(START + 10, ASKED, app=None, user_id=None), gap=GAP)
    assert (followed.run.app, followed.run.user_id) == (run(START).app, "user-1")


# Breaks


def test_new_user_chat_restarts_the_age() -> None:
    """What runs after a new message may be other work: age counts anew, busy and the estimate go on."""
    before = run(START, ASKED, WRITING)
    followed = follow(before, sighting(START + 10, ASKED, WRITING, user("u2", START + 6)), gap=GAP)
    after = followed.run
    assert (followed.because, after.age_since) == (Break.USER_CHAT, START + 10)
    assert (after.id, after.busy_since, after.estimate_since) == (before.id, START, WRITING.at)


def test_new_user_chat_restarts_the_age_once() -> None:
    """The message that restarted the age is not new at the next sighting."""
    chats = (ASKED, WRITING, user("u2", START + 6))
    assert seen(20, *chats, run_=seen(10, *chats)).age_since == START + 10


def test_another_incomplete_chat_restarts_the_age() -> None:
    """A looping agent writes chat after chat: its age restarts, its busy keeps growing."""
    followed = follow(run(START, ASKED, WRITING), sighting(START + 10, ASKED, bot("b2", START + 8)), gap=GAP)
    assert (followed.because, followed.run.age_since, followed.run.busy_since) == (
        Break.CHAT_REPLACED,
        START + 10,
        START,
    )


def test_chat_is_compared_with_the_last_one_even_after_a_pause() -> None:
    """The former chat is remembered while none is written, and the next one is another."""
    paused = seen(10, ASKED, replace(WRITING, completed=True))
    followed = follow(paused, sighting(START + 20, ASKED, bot("b2", START + 18)), gap=GAP)
    assert followed.because is Break.CHAT_REPLACED


def test_looping_agent_keeps_busy_growing() -> None:
    """Twenty chats in a row are twenty breaks of the age and none of busy."""
    looping = run(START, ASKED, WRITING)
    for n in range(1, 21):
        looping = follow(looping, sighting(START + 10 * n, ASKED, bot(f"loop-{n}", START + 10 * n - 2)), gap=GAP).run
    assert (looping.id, looping.age_since, looping.busy_since) == (run(START).id, START + 200, START)


@pytest.mark.parametrize(("interval", "expected"), [(10.0, 60.0), (20.0, 60.0), (21.0, 63.0), (60.0, 180.0)], ids=str)
def test_blind_gap_is_three_intervals_and_at_least_a_minute(interval: float, expected: float) -> None:
    """Up to three intervals, and up to a minute, two sightings are continuous observation."""
    assert blind_after(interval) == expected


@pytest.mark.parametrize(("after", "because"), [(GAP, None), (GAP + 0.1, Break.BLIND_GAP)], ids=["at", "past"])
def test_blind_gap_restarts_the_age(after: float, because: Break | None) -> None:
    """A gap longer than allowed is a break where no incomplete chat stands on both sides of it."""
    followed = follow(run(START, ASKED), sighting(START + after, ASKED), gap=GAP)
    assert followed.because is because
    assert followed.run.age_since == (START + after if because else START)


def test_blind_gap_restarts_busy_and_idle() -> None:
    """Through a blind gap nothing was observed, so neither busy nor idle may claim it."""
    after = follow(run(START, ASKED), sighting(START + 1000, ASKED), gap=GAP).run
    assert (after.busy_since, after.idle_since) == (START + 1000, START + 1000)


def test_same_incomplete_chat_bridges_a_blind_gap() -> None:
    """The same incomplete chat before and after proves that the same work went on while we did not look."""
    assert seen(86_400, ASKED, WRITING).age_since == START


def test_another_incomplete_chat_bridges_no_blind_gap() -> None:
    """After a blind gap with another chat the age counts anew, busy too."""
    followed = follow(run(START, ASKED, WRITING), sighting(START + 1000, ASKED, bot("b2", START + 990)), gap=GAP)
    assert (followed.because, followed.run.busy_since) == (Break.BLIND_GAP, START + 1000)


def test_chat_that_had_ended_before_bridges_no_blind_gap() -> None:
    """A chat stands on both sides only if it was being written in the very last sighting before the gap."""
    paused = seen(10, ASKED, replace(WRITING, completed=True))
    assert follow(paused, sighting(START + 1000, ASKED, WRITING), gap=GAP).because is Break.BLIND_GAP


def test_absence_from_a_complete_poll_is_a_break() -> None:
    """A run missing from a complete list that is seen again begins anew, whatever stands on both sides."""
    (missing,) = reconciled([run(START, ASKED, WRITING)]).missing
    followed = follow(missing, sighting(START + 20, ASKED, WRITING), gap=GAP)
    again = followed.run
    assert (followed.because, followed.ended) == (Break.REAPPEARED, None)
    assert (again.age_since, again.busy_since, again.absent_since) == (START + 20, START + 20, None)
    assert again.not_running_at == START + 10


# The next run


NEXT = (ASKED, replace(WRITING, completed=True), user("u2", START + 4), bot("b2", START + 6))


def test_user_chat_and_another_chat_are_the_next_run() -> None:
    """A new message and then another incomplete chat end the run and begin the next, with an id of its own."""
    before = run(START, ASKED, WRITING)
    followed = follow(before, sighting(START + 10, *NEXT), gap=GAP)
    assert followed.ended is not None
    assert (followed.ended.id, followed.ended.outcome, followed.ended.ended_at) == (
        before.id,
        Outcome.FINISHED,
        START + 10,
    )
    assert followed.run.id != before.id
    assert (followed.run.age_since, followed.run.busy_since) == (START + 10, START + 10)


def test_the_two_signs_of_the_next_run_may_come_apart() -> None:
    """The message may be seen in one poll and the other chat in a later one."""
    waiting = seen(10, *NEXT[:3])
    followed = follow(waiting, sighting(START + 20, *NEXT), gap=GAP)
    assert waiting.user_chat_pending
    assert followed.ended is not None


def test_user_chat_alone_is_not_the_next_run() -> None:
    """A user who writes while the app goes on with the same chat does not end the run."""
    assert follow(run(START, ASKED, WRITING), sighting(START + 10, *NEXT[:1], WRITING, NEXT[2]), gap=GAP).ended is None


def test_next_run_is_not_said_to_have_been_idle_before() -> None:
    """Nothing tells when the conversation last did not run between two runs."""
    assert follow(run(START, ASKED, WRITING), sighting(START + 10, *NEXT), gap=GAP).run.not_running_at is None


def test_next_run_is_known_to_follow_at_once() -> None:
    """Nothing was seen not to run between the two, until the later one is absent and appears again."""
    following = follow(run(START, ASKED, WRITING), sighting(START + 10, *NEXT), gap=GAP).run
    assert (run(START, ASKED, WRITING).follows_at_once, following.follows_at_once) == (False, True)
    assert seen(20, *NEXT, run_=following).follows_at_once
    assert not seen(30, *NEXT, run_=replace(following, absent_since=START + 20)).follows_at_once


LEFT = bot("b0", START - 400)
"""A chat that was never completed, of a run before."""


def test_older_chat_that_was_left_is_no_other_chat() -> None:
    """When a run has completed its chat, an older one that is not completed stands in place of nothing."""
    paused = follow(run(START, LEFT, ASKED, WRITING), sighting(START + 10, LEFT, *NEXT[:3]), gap=GAP)
    assert (paused.because, paused.ended, paused.run.former_chat_id) == (Break.USER_CHAT, None, "b1")
    assert follow(paused.run, sighting(START + 20, LEFT, *NEXT), gap=GAP).ended is not None


def test_older_chat_that_was_left_bridges_no_blind_gap() -> None:
    """A chat that nobody writes proves nothing about what goes on."""
    paused = seen(10, LEFT, ASKED, replace(WRITING, completed=True), run_=run(START, LEFT, ASKED, WRITING))
    later = sighting(START + 1000, LEFT, ASKED, replace(WRITING, completed=True))
    assert follow(paused, later, gap=GAP).because is Break.BLIND_GAP


# Idle


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(replace(WRITING, length=9), id="length"),
        pytest.param(replace(WRITING, steps=steps(3)), id="a step"),
        pytest.param(replace(WRITING, steps=steps(2, done=1)), id="a step's flag"),
    ],
)
def test_progress_restarts_idle(later: Chat) -> None:
    """A longer message, another step or a completed step is a sign of life."""
    detailed = replace(WRITING, steps=steps(2))
    before = follow(run(START, ASKED, WRITING), sighting(START + 10, ASKED, WRITING, detail=detailed), gap=GAP).run
    after = follow(before, sighting(START + 20, ASKED, later, detail=later), gap=GAP).run
    assert after.idle_since == START + 20


def test_no_progress_leaves_idle_growing() -> None:
    """The same chat with the same steps is no sign of life."""
    detailed = replace(WRITING, steps=steps(2))
    before = begin(PROJECT, sighting(START, ASKED, WRITING, detail=detailed), not_running_at=None)
    after = follow(before, sighting(START + 10, ASKED, WRITING, detail=detailed), gap=GAP).run
    assert after.idle_since == START


def test_steps_not_asked_for_are_no_progress() -> None:
    """Where a poll did not read the steps, they are unknown and not gone."""
    detailed = replace(WRITING, steps=steps(2))
    before = begin(PROJECT, sighting(START, ASKED, WRITING, detail=detailed), not_running_at=None)
    assert follow(before, sighting(START + 10, ASKED, WRITING), gap=GAP).run.idle_since == START


def test_first_reading_of_steps_is_no_progress() -> None:
    """Steps read for the first time were not seen to come, so a stuck run does not become young by being looked at."""
    detailed = replace(WRITING, steps=steps(2, done=2))
    after = follow(run(START, ASKED, WRITING), sighting(START + 10, ASKED, WRITING, detail=detailed), gap=GAP).run
    assert after.idle_since == START


# Reconciling a pass


def test_missing_from_a_complete_pass() -> None:
    """A run absent from a complete pass is missing since that pass was asked for."""
    (missing,) = reconciled([run(START, WRITING)]).missing
    assert (missing.absent_since, missing.ended_at) == (START + 10, None)


def test_missing_again_keeps_the_first_absence() -> None:
    """A run whose end could not be confirmed stays missing since the first pass without it."""
    (missing,) = reconciled([run(START, WRITING, absent_since=START + 3)]).missing
    assert missing.absent_since == START + 3


def test_partial_pass_tells_of_no_absence() -> None:
    """An incomplete pass says what runs, never what does not."""
    ledger = reconciled([run(START, WRITING)], sighting(START + 12, id_="c2"), complete=False)
    assert (ledger.missing, len(ledger.begun)) == ((), 1)


def test_unreadable_row_is_unknown() -> None:
    """A conversation whose row could not be read is not missing."""
    assert reconciled([run(START, WRITING)], unreadable=frozenset({"c1"})).missing == ()


def test_sighted_run_is_followed_and_not_begun() -> None:
    """A sighting of an open run follows it: there is at most one open run in a conversation."""
    ledger = reconciled([run(START, ASKED, WRITING)], sighting(START + 12, ASKED, WRITING))
    assert (ledger.begun, ledger.missing, len(ledger.followed)) == ((), (), 1)


# The end


@pytest.mark.parametrize(("at", "expected"), [(START + 5, START + 5), (START - 5, START)], ids=["later", "earlier"])
def test_run_never_ends_before_it_was_last_seen(at: float, expected: float) -> None:
    """An end that is reckoned from an older question is moved to the last sighting."""
    assert end(run(START), Outcome.STOPPED, at=at).ended_at == expected


def test_ended_run_is_not_absent() -> None:
    """An ended run is known to have ended, and no longer waits for that to be confirmed."""
    ended = end(run(START, absent_since=START), Outcome.GONE, at=START)
    assert (ended.absent_since, ended.outcome) == (None, Outcome.GONE)


def test_conversation_without_embedded_chats_shows_none() -> None:
    """The newest chats of an answer that embeds none are unknown, and absent."""
    empty = conversation(chat_count=9)
    assert (empty.incomplete_chat, empty.newest_user_chat) == (None, None)
