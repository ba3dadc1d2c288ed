"""Whether alerts arrive, tried from the command line: a drill with a real daemon, and a sample message without one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.kit import Inbox, settings
from tests.support.daemon import TOKEN, Daemon, Outcome, run_command, running_daemon, write_config
from tests.support.receivers import Reply
from tests.support.waiting import eventually


@pytest.fixture
async def other() -> AsyncIterator[Inbox]:
    """Provide another webhook."""
    async with Inbox() as fake:
        yield fake


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """Provide a file with the daemon's token."""
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="utf-8")
    return file


async def drill(daemon: Daemon, token: Path, *words: str) -> Outcome:
    """Return how a drill went."""
    return await run_command("drill", *words, "--url", daemon.url, "--token-file", token)


async def test_a_drill_measures_the_whole_way(
    api: str, inbox: Inbox, other: Inbox, token: Path, tmp_path: Path
) -> None:
    """It arrives as firing and as over at each receiver that its labels lead to, takes as long as it says, and ends."""
    config = settings(api, tmp_path, inbox.receiver, {**other.receiver, "name": "bi"})
    config["alerting"]["route"]["routes"] += [
        {"matchers": ['squad="bi"'], "receiver": "bi", "group_wait": "1s", "continue": True},
        {"matchers": ['squad="bi"'], "receiver": "oncall"},
    ]
    async with running_daemon(config, tmp_path) as daemon:
        outcome = await drill(daemon, token, "--label", "squad=bi", "--severity", "warning", "--output", "json")
        assert outcome.code == 0, outcome
        found = json.loads(outcome.stdout)["drill"]
        legs: dict[str, dict[str, Any]] = {leg["integration"]: leg for leg in found["legs"]}
        assert legs.keys() == {"oncall/webhook[0]", "bi/webhook[0]"}
        assert legs["bi/webhook[0]"]["firing"]["queued_after_seconds"] == pytest.approx(1.0, abs=0.5)
        for leg in legs.values():
            for telling in (leg["firing"], leg["resolved"]):
                assert 0 <= telling["queued_after_seconds"] <= telling["accepted_after_seconds"] < outcome.seconds
        for receiver in (inbox, other):
            [firing, resolved] = receiver.about("Drill", drill=found["id"])
            assert (firing.status, resolved.status) == ("firing", "resolved")
            assert firing.labels["severity"] == "warning"
        assert [line["what"] for line in daemon.events("drill")] == ["begun", "ended"]
        assert [each for each in await daemon.api("alerts") if each["alertname"] == "Drill"] == []


async def test_a_drill_says_what_is_missing(api: str, inbox: Inbox, token: Path, tmp_path: Path) -> None:
    """While the receiver is down it ends in failure with the reason, is over all the same, and leaves no secret."""
    config = settings(api, tmp_path, inbox.receiver)
    async with running_daemon(config, tmp_path) as daemon:
        inbox.replies.extend([Reply(status=503, headers={"Retry-After": "2"})] * 5)
        outcome = await drill(daemon, token, "--timeout", "4s")
        assert outcome.code == 1
        shown = " ".join(outcome.stdout.split())
        assert "oncall/webhook[0] firing" in shown
        assert "not accepted yet" in shown
        assert "answered 503" in shown
        assert "not everything arrived within 4s" in shown
        assert "/hook" not in outcome.stdout
        await eventually(lambda: len(inbox.about("Drill")) == 2, "it arrives later, and that it is over", within=30.0)


async def test_what_is_muted_is_no_failure(api: str, inbox: Inbox, token: Path, tmp_path: Path) -> None:
    """A drill in a silence says which, fails nothing, and nobody hears of it."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        silence = await run_command(
            "silence", "add", "Drill", "--until", "1h", "-m", "quiet", "--url", daemon.url, "--token-file", token
        )
        outcome = await drill(daemon, token)
        assert outcome.code == 0, outcome
        assert f"muted by silence {silence.stdout.strip()}" in " ".join(outcome.stdout.split())
        assert inbox.about("Drill") == []
        refused = await drill(daemon, token, "--receiver", "nobody")
        assert (refused.code, "to oncall, not to nobody" in refused.stderr) == (1, True)


async def test_a_sample_needs_no_daemon(api: str, inbox: Inbox, other: Inbox, tmp_path: Path) -> None:
    """Every receiver gets a sample in the configured language, and then that it is over; nothing else is done."""
    config = settings(api, tmp_path, inbox.receiver, {**other.receiver, "name": "bi"})
    file = write_config(config, tmp_path)
    outcome = await run_command("notify", "test", "--all", "--resolve", "--config", file)
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    assert [line.split(" in ")[0] for line in outcome.stdout.splitlines()] == [
        "oncall/webhook[0]: firing accepted",
        "oncall/webhook[0]: resolved accepted",
        "bi/webhook[0]: firing accepted",
        "bi/webhook[0]: resolved accepted",
        "nobody: has no integrations, so what is told to it is dropped",
    ]
    assert [told.status for told in inbox.told] == ["firing", "resolved"]
    assert not (tmp_path / "monitor.db").exists()
