"""Silences and acknowledgements of a real daemon, made from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monitor.simulator.record import StopEffect
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, rounds, settings
from tests.support.daemon import TOKEN, Daemon, Outcome, run_command, running_daemon
from tests.support.waiting import eventually


class Hand:
    """Somebody at a terminal, who knows the token."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        self._daemon = daemon
        self._token = directory / "token"
        self._token.write_text(f"{TOKEN}\n", encoding="utf-8")

    async def tries(self, *words: str) -> Outcome:
        """Return how a command ended."""
        return await run_command(*words, "--url", self._daemon.url, "--token-file", self._token)

    async def does(self, *words: str) -> str:
        """Return what a command printed; it has to succeed."""
        outcome = await self.tries(*words)
        assert (outcome.code, outcome.stderr) == (0, ""), outcome
        return outcome.stdout.strip()


async def shown(daemon: Daemon, alertname: str, **labels: str) -> dict[str, Any]:
    """Wait until an alert is open, and return it as the API shows it."""

    async def look() -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = await daemon.api("alerts")
        return [each for each in alerts if each["alertname"] == alertname and labels.items() <= each["labels"].items()]

    found: list[dict[str, Any]] = await eventually(look, f"{alertname} is open")
    return found[0]


async def test_a_silence_holds_back_telling_and_nothing_else(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """While it holds runs are stopped and alerts fire untold; ended by hand, what still fires is told at once."""
    config = settings(api, tmp_path, inbox.receiver)
    async with running_daemon(config, tmp_path) as daemon:
        hand = Hand(daemon, tmp_path)
        name = await hand.does("silence", "add", 'alertname=~"Run.*|Neg.*"', "--until", "1h", "--comment", "점검")
        begin_run(world)
        rated = rated_conversation(world, False)
        alert = await shown(daemon, "NegativeRating")
        assert alert["muted_by"] == [f"silence {name}"]
        await eventually(lambda: world.record().stops, "the run is stopped all the same")
        await eventually(lambda: _ended(daemon), "its alerts resolve")
        assert [each.effect for each in world.record().stops] == [StopEffect.STOPPED]
        assert inbox.about("RunOverLimit") == inbox.about("RunOpen") == inbox.about("NegativeRating") == []
        listed = json.loads(await hand.does("silence", "list", "--output", "json"))["silences"]
        assert [(each["id"], each["state"], each["comment"]) for each in listed] == [(name, "active", "점검")]
        assert await hand.does("silence", "expire", name) == f"expired: {name}"
        await inbox.arrival("NegativeRating", conversation_id=rated.id, within=5.0)
        assert inbox.about("RunOverLimit") == inbox.about("RunOpen") == []
        assert await hand.does("silence", "list") == "no silences"
        assert name in await hand.does("silence", "list", "--all")
        assert [line["what"] for line in daemon.events("silence")] == ["created", "expired"]


async def _ended(daemon: Daemon) -> bool:
    alerts = await daemon.api("alerts")
    return not [each for each in alerts if each["alertname"].startswith("Run")]


async def test_a_resolve_passes_a_silence(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """What was told before the silence is told to be over while it holds; the next one is not told at all."""
    conversation = rated_conversation(world, None, None)
    first, second = conversation.chats[1::2]
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        hand = Hand(daemon, tmp_path)
        await inbox.arrival("BaselineRecorded")
        world.rate(first.id, vote=False)
        await inbox.arrival("NegativeRating", chat_id=first.id)
        await hand.does("silence", "add", "NegativeRating", "--until-resolved", "-m", "known", "--author", "alice")
        world.rate(second.id, vote=False)
        await shown(daemon, "NegativeRating", chat_id=second.id)
        world.rate(first.id, None)
        await inbox.arrival("NegativeRating", "resolved", chat_id=first.id)
        world.rate(second.id, None)
        await eventually(lambda: _no_silences(daemon), "the silence ends with the last of its alerts")
        await rounds(world, 3)
        assert inbox.about("NegativeRating", chat_id=second.id) == []
        world.rate(first.id, vote=False)
        await eventually(
            lambda: len(inbox.about("NegativeRating", "firing", chat_id=first.id)) == 2, "it is told again"
        )


async def _no_silences(daemon: Daemon) -> bool:
    silences: list[dict[str, Any]] = await daemon.api("silences")
    return not silences


async def test_an_acknowledgement_ends_repeats(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """What somebody takes care of is repeated no more, also after a restart, until that is taken back."""
    rated_conversation(world, False)
    config = settings(api, tmp_path, inbox.receiver)
    config["alerting"]["route"]["repeat_interval"] = "1s"
    config["projects"]["support"]["baseline"] = {"tell_since": "1h"}
    async with running_daemon(config, tmp_path) as daemon:
        hand = Hand(daemon, tmp_path)
        await inbox.arrival("NegativeRating")
        fingerprint = (await shown(daemon, "NegativeRating"))["fingerprint"]
        await eventually(lambda: _bodies(inbox) > 2, "it is repeated")
        await hand.does("ack", fingerprint, "--comment", "looking", "--author", "alice")
        assert (await shown(daemon, "NegativeRating"))["acked_by"] == "alice"
        assert "alice: looking" in await hand.does("ack", "--list")
        calm_since = _bodies(inbox)
        await rounds(world, 9)
    async with running_daemon(config, tmp_path) as daemon:
        hand = Hand(daemon, tmp_path)
        await rounds(world, 9)
        assert _bodies(inbox) <= calm_since + 1  # one may have been under way
        await hand.does("ack", "--undo", fingerprint)
        await eventually(lambda: _bodies(inbox) > calm_since + 2, "it is repeated again")


def _bodies(inbox: Inbox) -> int:
    """Return how many bodies told of the rating."""
    bodies = [request.body for request in inbox.requests]
    return sum(any(alert["labels"]["alertname"] == "NegativeRating" for alert in body["alerts"]) for body in bodies)


REFUSED = [
    (("silence", "add", "app!=Billing", "--until", "1h", "-m", "x"), "400 Bad Request: at least one matcher"),
    (("silence", "add", "RunOpen", "--until", "yesterday", "-m", "x"), "neither a duration"),
    (("silence", "add", "RunOpen", "--until-resolved", "-m", "x"), "409 Conflict: nothing that this matches fires"),
    (("silence", "expire", "00000000"), "404 Not Found: there is no silence '00000000'"),
    (("ack", "0123456789abcdef"), "404 Not Found: there is no alert '0123456789abcdef'"),
    (("ack", "--undo", "0123456789abcdef"), "404 Not Found: alert '0123456789abcdef' is not acknowledged"),
]


async def test_what_cannot_be_is_one_line(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Each mistake ends the command with exit code 1 and a line that says what is wrong."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        hand = Hand(daemon, tmp_path)
        outcomes = [await hand.tries(*words) for words, _ in REFUSED]
    for outcome, (_, says) in zip(outcomes, REFUSED, strict=True):
        assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
        assert says in outcome.stderr


async def test_alertmanager_alone_is_named(world: World, api: str, tmp_path: Path) -> None:
    """Where only Alertmanager is told, the command says how to make the silence there."""
    receiver = {"name": "am", "alertmanager_configs": [{"url": "http://user:secret@127.0.0.1:9/prefix"}]}
    async with running_daemon(settings(api, tmp_path, receiver), tmp_path) as daemon:
        outcome = await Hand(daemon, tmp_path).tries("silence", "list")
    assert outcome.code == 1
    assert "amtool --alertmanager.url=http://127.0.0.1:9 silence add" in outcome.stderr
    assert "secret" not in outcome.stderr
