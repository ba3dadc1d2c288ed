"""`alli-monitor check`: what is wrong with the configuration and the rules, without starting anything."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from monitor.cli.options import Config
from monitor.configured import load_rules, routing_tree
from monitor.errors import ConfigError, ConfigErrors
from monitor.settings import load

__all__ = ["check"]


def check(
    config: Config = None,
    online: Annotated[bool, typer.Option("--online", hidden=True)] = False,
    record: Annotated[str | None, typer.Option("--record", hidden=True)] = None,
) -> None:
    """Validate the configuration and the rule files: exit code 0 when they can be used, 1 when not."""
    if online or record is not None:
        print("error: `alli-monitor check --online` is not in this version", file=sys.stderr)
        raise typer.Exit(2)
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
    integrations = sum(len(r.webhook_configs) + len(r.alertmanager_configs) for r in settings.alerting.receivers)
    print(f"projects   {', '.join(sorted(settings.projects))}")
    print(f"rules      {len(rules.rules)} in {len({rule.file for rule in rules.rules})} files")
    print(f"receivers  {len(settings.alerting.receivers)}, with {integrations} integrations")
    print(f"auto_stop  {stopping}")
    print("fine")
