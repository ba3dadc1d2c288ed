"""`alli-monitor silence` and `alli-monitor ack`: what people on call do not want to be told. The words are amtool's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from monitor.alerting.matchers import quote
from monitor.cli import tables
from monitor.cli.answers import Acks, NewSilence, Silences
from monitor.cli.look import Format, Output, Picture, present
from monitor.cli.options import user
from monitor.cli.remote import DEFAULT_URL, Remote, TokenFile, Url, connect
from monitor.cli.text import plain
from monitor.errors import ConfigError

__all__ = ["ack", "silence"]

silence = typer.Typer(help="Keep alerts from being told for a while.", no_args_is_help=True)

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")

Author = Annotated[str, typer.Option("--author", help="Who wants this.", show_default="who runs the command")]
Everything = Annotated[bool, typer.Option("--all", help="Also those that are over.")]


@silence.command()
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(help="Which alerts: name=value, with one of = != =~ !~; a word alone is the name of the alert."),
    ],
    *,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why.")],
    until: Annotated[
        str | None,
        typer.Option("--until", help="A duration from now (2h) or a UTC time (2027-01-31T09:00Z).", show_default=False),
    ] = None,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Until nothing that it matches fires any more.")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--start", help="When it begins, written as for --until.", show_default="now")
    ] = None,
    author: Author = "",
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """
    Begin a silence, and print its id.

    Rules and stops go on. When it ends, what still fires is told at once. The end of what was told before is told
    all the same.
    """
    if (until is None) is not until_resolved:
        raise ConfigError("give either --until or --until-resolved")
    wanted = {
        "matchers": _matchers(matchers),
        "author": author or user(),
        "comment": comment,
        "starts_at": start,
        "until": until,
        "until_resolved": until_resolved,
    }
    print(plain(asyncio.run(_add(wanted, url, token_file)).silence.id))


@silence.command("list")
def list_(
    everything: Everything = False,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
) -> None:
    """Show silences that hold or will, the oldest first; with --all, all of them, the newest first."""

    async def look(remote: Remote) -> Picture:
        answer = await remote.get("silences", state="all" if everything else None)
        found = answer.read(Silences).silences
        return Picture(data=answer.data(), table=tables.silences(found) if found else Text("no silences"))

    present(look, url, token_file, output)


@silence.command()
def expire(
    ids: Annotated[list[str], typer.Argument(help="The ids of silences.")],
    *,
    author: Author = "",
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """End silences now: what they held and still fires is told at once."""
    asyncio.run(_expire(ids, author or user(), url, token_file))


def ack(
    alerts: Annotated[
        list[str] | None,
        typer.Argument(help="Alerts as `alerts` shows them, or matchers as for `silence add`: all that fires now."),
    ] = None,
    *,
    until: Annotated[
        str, typer.Option("--until", help="A duration from now (2h) or a UTC time (2027-01-31T09:00Z).")
    ] = "8h",
    comment: Annotated[str, typer.Option("--comment", "-m", help="What is done about it.")] = "",
    author: Author = "",
    show: Annotated[bool, typer.Option("--list", help="Only show what is acknowledged.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Withdraw the acknowledgements of these alerts.")] = False,
    output: Format = Output.TABLE,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """
    Take care of alerts that fire: they are not repeated until they resolve, get worse, or the time is over.

    For alerts that are still to come, use `silence add`.
    """
    if not alerts and not show:
        raise ConfigError("name an alert, or matchers; `alli-monitor alerts` shows what fires")
    words, by = alerts or [], author or user()

    async def look(remote: Remote) -> Picture:
        if show:
            answers = [await remote.get("acks")]
        elif undo:
            answers = [await remote.delete("acks", word, by=by) for word in words]
        else:
            wanted = [{**what, "by": by, "comment": comment, "until": until} for what in _alerts(words)]
            answers = [await remote.post("acks", each) for each in wanted]
        found = [ack for answer in answers for ack in answer.read(Acks).acks]
        data = [ack for answer in answers for ack in answer.data()["acks"]]
        return Picture(data={"acks": data}, table=tables.acks(found) if found else Text("no acknowledgements"))

    present(look, url, token_file, output)


async def _add(wanted: Mapping[str, Any], url: str, token_file: TokenFile) -> NewSilence:
    async with connect(url, token_file) as remote:
        return (await remote.post("silences", wanted)).read(NewSilence)


async def _expire(ids: list[str], by: str, url: str, token_file: TokenFile) -> None:
    async with connect(url, token_file) as remote:
        for each in ids:
            ended = (await remote.delete("silences", each, by=by)).read(NewSilence)
            print(f"expired: {plain(ended.silence.id)}", flush=True)


def _alerts(words: list[str]) -> list[dict[str, Any]]:
    """Return what an acknowledgement is about: alerts one by one, or all those that match."""
    if all(_FINGERPRINT.fullmatch(word) for word in words):
        return [{"fingerprint": word} for word in words]
    return [{"matchers": _matchers(words)}]


def _matchers(words: list[str]) -> list[str]:
    """Return words as matchers; the first alone may be the name of an alert, as with amtool."""
    first, *others = words
    return [first if re.search("[=~]", first) else f"alertname={quote(first)}", *others]
