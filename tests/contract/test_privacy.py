"""The text of conversations: nowhere, unless the configuration says where, and then redacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monitor.model.facts import Facts
from tests.support.clock import ManualClock
from tests.support.rig import Rig, open_rig
from tests.support.rig_inbox import Inbox
from tests.support.rig_ratings import answer_of, polling
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT

QUESTION = "Wombat-Frage: reach me at wombat@example.com or 010-1234-5678"
ANSWER = "Quokka-Antwort: we call 010-1234-5678 today"
SAID = ("Wombat-Frage", "Quokka-Antwort", "wombat@example.com", "1234-5678")
RULES = NEGATIVE + OVER_LIMIT
OFTEN: dict[str, Any] = {"polling": polling(conversations="10s")["polling"] | {"runs": "10s", "evaluation": "10s"}}


async def talk_and_run(rig: Rig) -> None:
    """Let somebody ask, rate the answer negative, and ask for a run that is too long."""
    await rig.run_for(5)
    conversation = rig.talk(QUESTION, f">{ANSWER}")
    await rig.run_for(30)
    rig.world.rate(answer_of(conversation).id, False)
    rig.world.add_chat(conversation.id, "USER", QUESTION)
    rig.start_run(conversation)
    await rig.run_for(100)
    assert rig.inbox.transitions("NegativeRating")
    assert rig.inbox.transitions("RunOverLimit")


def written(directory: Path) -> str:
    """Return all that stands on disk."""
    return "".join(file.read_bytes().decode("utf-8", "replace") for file in directory.iterdir())


def told(rig: Rig, inbox: Inbox | None = None) -> str:
    """Return all that left the monitor: notifications and log lines."""
    notifications = [asdict(each) for each in (inbox or rig.inbox).accepted]
    return f"{notifications} {rig.logs}"


def facts(rig: Rig, rule: str) -> Facts:
    """Return what was told first of a rule."""
    return rig.inbox.about(rule)[0].entry.facts


def metrics(rig: Rig) -> str:
    """Return all that is exported."""
    return str([family.samples for family in rig.metrics.registry.collect()])


async def test_without_being_told_to_nothing_of_a_conversation_is_kept(tmp_path: Path) -> None:
    """With the default settings no text stands in the database, the logs, the metrics or a notification."""
    async with open_rig(tmp_path, rules=RULES, **OFTEN) as rig:
        await talk_and_run(rig)
        everything = written(tmp_path) + told(rig) + metrics(rig)
    everything += written(tmp_path)
    assert [text for text in SAID if text in everything] == []


async def test_what_may_be_quoted_is_redacted_before_it_is_written(tmp_path: Path) -> None:
    """Where excerpts are wanted, the question of a run and the rated answer are told, without what tells who it was."""
    async with open_rig(tmp_path, rules=RULES, privacy={"excerpt_chars": 200}, **OFTEN) as rig:
        await talk_and_run(rig)
        about_run, about_rating = facts(rig, "RunOverLimit").excerpt, facts(rig, "NegativeRating").excerpt
        everything = written(tmp_path) + told(rig) + metrics(rig)
    assert about_run == "Wombat-Frage: reach me at [email] or [phone]"
    assert about_rating == "Wombat-Frage: reach me at [email] or [phone]\nQuokka-Antwort: we call [phone] today"
    everything += written(tmp_path)
    assert [text for text in SAID[2:] if text in everything] == []


async def test_what_is_not_to_be_redacted_is_told(tmp_path: Path) -> None:
    """Only the kinds that are named are taken out."""
    privacy = {"excerpt_chars": 200, "redact": ["phone"]}
    async with open_rig(tmp_path, rules=RULES, privacy=privacy, **OFTEN) as rig:
        await talk_and_run(rig)
        assert facts(rig, "RunOverLimit").excerpt == "Wombat-Frage: reach me at wombat@example.com or [phone]"


async def test_an_excerpt_is_as_long_as_the_most_generous_receiver_may_have_it(tmp_path: Path) -> None:
    """A receiver's own number counts where it is given; nothing beyond the largest is written."""

    def two(clock: ManualClock) -> Sequence[Inbox]:
        return [Inbox(clock=clock), Inbox(clock=clock, receiver="quiet")]

    alerting = {"receivers": [{"name": "oncall", "excerpt_chars": 13}, {"name": "quiet"}]}
    async with open_rig(tmp_path, rules=RULES, inboxes=two, alerting=alerting, **OFTEN) as rig:
        await talk_and_run(rig)
        assert facts(rig, "RunOverLimit").excerpt == "Wombat-Frage…"
        assert len(facts(rig, "NegativeRating").excerpt) <= 13
        assert "reach me" not in written(tmp_path)
