"""`alli-monitor notify test`: a sample message to receivers of the configuration, without a daemon."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

import typer

from monitor.alli.transport import Connections
from monitor.cli.options import Config, user
from monitor.cli.text import encodable, plain
from monitor.clock import Clock, SystemClock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.links import Links
from monitor.model.alert import Identity, Resolution, Transition, fingerprint
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.model.facts import Facts
from monitor.model.notification import Entry, Notification
from monitor.notify.build import build
from monitor.notify.receiver import Receiver
from monitor.rules.diagnostics import did_you_mean
from monitor.settings import HttpConfig, Settings, load

__all__ = ["notify", "sample", "try_out"]

notify = typer.Typer(help="Receivers, tried without a daemon.", no_args_is_help=True)

_ADVICE = {
    "receiver": "correct its address, credential or channel in the configuration",
    "payload": "it can be reached and does not take this message",
}
_TRY_AGAIN = "see whether it can be reached from here, and try again"
_LIMIT = 3600.0  # seconds that the run in the sample may take


@notify.command("test")
def send_sample(
    receiver: Annotated[str | None, typer.Argument(help="The name of the receiver.", show_default=False)] = None,
    *,
    everyone: Annotated[bool, typer.Option("--all", help="Every receiver of the configuration.")] = False,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Then tell that it is over, so that nothing stays open at a pager.")
    ] = False,
    config: Config = None,
) -> None:
    """
    Send a sample message, marked as a drill, to each integration of a receiver, and print what came of it.

    It is in the language of the configuration. Exit code 0 when all of them accepted it.
    """
    if (receiver is None) is not everyone:
        raise typer.BadParameter("name a receiver, or give --all")
    encodable()
    settings = load(config)
    names = [each.name for each in settings.alerting.receivers]
    if receiver is not None and receiver not in names:
        raise typer.BadParameter(plain(f"there is no receiver {receiver!r}{did_you_mean(receiver, names)}"))
    is_good = asyncio.run(_send_samples(settings, names if receiver is None else [receiver], resolve, SystemClock()))
    raise typer.Exit(0 if is_good else 1)


async def _send_samples(settings: Settings, names: Sequence[str], resolve: bool, clock: Clock) -> bool:
    """Try out the receivers with these names; return whether each that has integrations accepted everything."""
    links = Links(settings)
    async with aclosing(Connections()) as connections:
        receivers = build(
            settings.alerting.receivers,
            http=connections.by(HttpConfig()),
            clock=clock,
            external_url=links.external_url,
            language=settings.alerting.language,
            excerpt_chars=settings.privacy.excerpt_chars,
        )
        entry = sample(settings, links.external_url, now=clock.now())
        return await try_out({name: receivers[name] for name in names}, entry, clock, resolve=resolve)


async def try_out(receivers: Mapping[str, Sequence[Receiver]], entry: Entry, clock: Clock, *, resolve: bool) -> bool:
    """Send `entry`, and its resolve if that is wanted, to each integration; print and return how that went."""
    outcomes = []
    for name, integrations in receivers.items():
        if not integrations:
            print(plain(f"{name}: has no integrations, so what is told to it is dropped"))
        for integration in integrations:
            is_accepted = await _send(integration, entry, clock)
            if is_accepted and resolve:
                is_accepted = await _resolve(integration, entry, clock)
            outcomes.append(is_accepted)
    return bool(outcomes) and all(outcomes)


def sample(settings: Settings, external_url: str, *, now: float) -> Entry:
    """
    Return an alert that looks like one about a long run, and says that nothing is wrong.

    It is the same each time, so that a pager has one incident of it however often it is sent.
    """
    project, of = next(iter(settings.projects.items()))
    name = Builtin.DRILL
    return Entry(
        fingerprint=fingerprint(Identity(project="", rule=name.value, subject=(("drill", "notify test"),))),
        status=Transition.FIRING,
        labels={"alertname": name.value, "severity": SEVERITIES[name], "project": project, "app": "Report writer"},
        annotations={
            "summary": f"This is a test that {user()} sent with `alli-monitor notify test`: nothing is wrong."
        },
        starts_at=now - 60.0,
        url=f"{external_url}/",
        facts=Facts(
            timezone=of.timezone,
            age=_LIMIT + 60.0,
            limit=_LIMIT,
            idle=40.0,
            last_step="web_search",
            last_step_ago=40.0,
        ),
        rank=0,
    )


async def _resolve(integration: Receiver, entry: Entry, clock: Clock) -> bool:
    if not integration.send_resolved:
        print(plain(f"{integration.name}: wants no resolves (send_resolved)"))
        return True
    await clock.sleep(integration.pace)
    over = replace(entry, status=Transition.RESOLVED, ends_at=clock.now(), resolution=Resolution.RECOVERED)
    return await _send(integration, over, clock)


async def _send(integration: Receiver, entry: Entry, clock: Clock) -> bool:
    notification = Notification(
        key=secrets.token_hex(16),
        receiver=integration.receiver,
        group_key=f'{{}}:{{alertname="{entry.labels["alertname"]}"}}',
        group_labels={"alertname": entry.labels["alertname"]},
        entries=(entry,),
        reason="first_notification" if entry.status is Transition.FIRING else "resolved",
    )
    began = clock.monotonic()
    try:
        await integration.send(notification)
    except DeliveryDelayed as error:
        outcome, is_accepted = f"not accepted: {error}; {_TRY_AGAIN}", False
    except DeliveryRefused as error:
        outcome, is_accepted = f"refused: {error}; {_ADVICE[error.scope]}", False
    else:
        outcome, is_accepted = f"accepted in {clock.monotonic() - began:.2f} s", True
    print(plain(f"{integration.name}: {entry.status} {outcome}"), flush=True)
    return is_accepted
