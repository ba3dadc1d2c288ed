"""`alli-monitor check`: what is wrong with the configuration and the rules, and what each project can do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.online import check_online
from monitor.cli.options import Config
from monitor.cli.recording import make_private
from monitor.configured import load_rules, routing_tree
from monitor.durations import format_duration
from monitor.errors import ConfigError, ConfigErrors
from monitor.settings import AppRule, Settings, load

__all__ = ["check"]


def check(
    config: Config = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also probe each project, and print what its server can do.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(help="With --online: keep the answers, redacted, in this new folder.", show_default=False),
    ] = None,
) -> None:
    """
    Validate the configuration and the rule files, and with --online what the projects' servers can do.

    Exit code 0 when all is fine, 1 when something is to be changed or a project cannot be watched as it should be.
    Nothing is started, and nothing is written to the database.
    """
    if record is not None:
        _prepare(record, online=online)
    try:
        settings = load(config)
        rules = load_rules(settings)
        routing_tree(settings.alerting.route)
    except ConfigErrors as error:
        for each in error.errors:
            print(f"error: {each}", file=sys.stderr)
        raise typer.Exit(1) from None
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    for warning in settings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    stopping = settings.auto_stop.mode.value
    integrations = sum(receiver.integrations for receiver in settings.alerting.receivers)
    print(f"projects   {', '.join(sorted(settings.projects))}")
    print(f"rules      {len(rules.rules)}, from files: {len({rule.file for rule in rules.rules})}")
    print(f"receivers  {len(settings.alerting.receivers)}, with integrations: {integrations}")
    print(f"auto_stop  {stopping}")
    for rule in settings.apps:
        print(f"app        {_describe(rule, settings)}")
    if online and not check_online(settings, record):
        raise typer.Exit(1)
    print("fine")


def _prepare(record: Path, *, online: bool) -> None:
    if not online:
        raise typer.BadParameter("--record keeps what --online asks; give both")
    try:
        make_private(record)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None


def _describe(rule: AppRule, settings: Settings) -> str:
    """Return what holds for the apps of an entry; its mode may differ from project to project."""
    modes = sorted({settings.stop_mode(rule, project).value for project in settings.projects})
    labels = "".join(f", {name}={value}" for name, value in rule.labels.items())
    return f"{rule.match}: limit {format_duration(rule.run_limit)}, stop {' or '.join(modes)}{labels}"
