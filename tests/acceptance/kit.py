"""What the acceptance tests share: a configuration in which everything is fast, and a webhook that keeps its post."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.simulator.entities import App, Conversation, RunPlan
from monitor.simulator.world import World
from tests.support.daemon import TOKEN
from tests.support.receivers import FakeReceiver
from tests.support.waiting import eventually

__all__ = ["KEY", "RULES", "Inbox", "Told", "begin_run", "rated_conversation", "rounds", "settings", "write_rules"]

KEY = "simulated-key"
"""The API key that the simulated server takes."""

RULES = """
groups:
  - name: acceptance
    rules:
      - alert: RunOverLimit
        on: run
        expr: run.age > run.limit
        labels: {severity: critical}
        actions:
          - stop: {}
      - alert: RunOpen
        on: run
        expr: run.age >= duration("0s")
        labels: {severity: warning}
      - alert: NegativeRating
        on: rating
        expr: rating.value == "negative" && rating.by == "user"
        labels: {severity: info}
"""
"""A stop, a state alert that needs no waiting, and an event."""


def write_rules(directory: Path, text: str = RULES) -> Path:
    """Write a rule file and return its path."""
    file = directory / "rules.yml"
    file.write_text(text, encoding="utf-8")
    return file


def settings(api: str, directory: Path, *receivers: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """
    Return a configuration of one project, `support`, that enforces a run limit of two seconds.

    The first of `receivers` gets all alerts; `changes` are laid over the sections.
    """
    config: dict[str, Any] = {
        "projects": {"support": {"base_url": api, "api_key": KEY, "requests_per_minute": 6000, "max_in_flight": 4}},
        "apps": [{"match": "*", "run_limit": "2s", "labels": {"team": "bi"}}],
        "polling": {
            "runs": "300ms",
            "conversations": "300ms",
            "evaluation": "500ms",
            "ratings": [{"younger_than": "1h", "every": "1s"}, {"younger_than": "7d", "every": "1s"}],
        },
        "rule_files": [str(write_rules(directory))],
        "auto_stop": {"mode": "enforce", "apps": ["*"], "cooldown": "1s", "verify_within": "2s"},
        "alerting": {
            "route": {
                "receiver": receivers[0]["name"],
                "group_wait": "100ms",
                "group_interval": "200ms",
                "routes": [{"matchers": ['alertname="Watchdog"'], "receiver": "nobody"}],
            },
            "receivers": [*receivers, {"name": "nobody"}],
        },
        "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
        "web": {"listen": "127.0.0.1:0", "token": TOKEN},
        "log": {"format": "json"},
    }
    for section, change in changes.items():
        old = config.get(section)
        config[section] = {**old, **change} if isinstance(old, dict) else change
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One transition as a webhook got it, the first time it did."""

    status: str
    alertname: str
    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: str


class Inbox(FakeReceiver):
    """A webhook; `told` is each transition once, in the order in which they came, whatever else a body repeats."""

    @property
    def receiver(self) -> dict[str, Any]:
        """The receiver of the configuration that leads here."""
        return {"name": "oncall", "webhook_configs": [{"url": f"{self.url}/hook"}]}

    @property
    def told(self) -> list[Told]:
        """Every transition that was accepted or refused so far, once."""
        found: list[Told] = []
        last: dict[tuple[str, str], str] = {}
        for alert in (alert for request in self.requests for alert in request.body["alerts"]):
            episode, status = (alert["fingerprint"], alert["startsAt"]), alert["status"]
            if last.get(episode) == status:
                continue
            last[episode] = status
            labels = alert["labels"]
            found.append(
                Told(
                    status=status,
                    alertname=labels["alertname"],
                    fingerprint=alert["fingerprint"],
                    labels=labels,
                    annotations=alert["annotations"],
                    starts_at=alert["startsAt"],
                )
            )
        return found

    def about(self, alertname: str, status: str | None = None, **labels: str) -> list[Told]:
        """Return the transitions of alerts with this name and these labels, of one status or of both."""
        return [
            told
            for told in self.told
            if told.alertname == alertname and status in {None, told.status} and labels.items() <= told.labels.items()
        ]

    async def arrival(self, alertname: str, status: str = "firing", *, within: float = 15.0, **labels: str) -> Told:
        """Wait for a transition."""
        what = f"{alertname} {status} {labels or ''} arrives; there is {[(t.alertname, t.status) for t in self.told]}"
        return (await eventually(lambda: self.about(alertname, status, **labels), what, within=within))[0]


def begin_run(world: World, app: str = "Report writer", plan: RunPlan | None = None) -> Conversation:
    """Let a user ask an app something that it works on in the background; by default it hangs."""
    known = next((each for each in world.apps.values() if each.name == app), None) or world.add_app(app)
    conversation = world.add_conversation(app=known, user=world.add_user("u-1"))
    world.add_chat(conversation.id, "USER", "Please write the report.")
    world.start_run(conversation.id, plan)
    return conversation


def rated_conversation(
    world: World, *votes: bool | None, app: App | None = None, user: str = "u-1", ago: float = 0.0
) -> Conversation:
    """Return a conversation with one answer for each vote, written `ago` seconds ago."""
    at = world.now - ago if ago else None
    conversation = world.add_conversation(
        app=app or next(iter(world.apps.values()), None) or world.add_app("Report writer"),
        user=world.add_user(user),
        at=at,
    )
    for vote in votes:
        world.add_chat(conversation.id, "USER", "Please explain.", at=at)
        chat = world.add_chat(conversation.id, "BOT", "It is so.", at=at)
        if vote is not None:
            world.rate(chat.id, vote)
    return conversation


async def rounds(world: World, count: int, operation: str = "list_conversations") -> None:
    """Wait until the monitor has asked so many times more."""
    enough = world.record().requests.get(operation, 0) + count
    await eventually(
        lambda: world.record().requests.get(operation, 0) >= enough, f"{count} more {operation}", within=30.0
    )
