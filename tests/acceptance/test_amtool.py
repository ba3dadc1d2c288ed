"""Our routing beside that of Debian's Alertmanager: both get the same matchers, trees and labels."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from monitor.alerting import matchers
from monitor.alerting.matchers import format_matchers
from monitor.configured import routing_tree
from monitor.settings import load
from tests.support.programs import needs

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(600),  # a thousand processes
    needs("amtool", package="prometheus-alertmanager"),
]

_TREES = 50
_ALERTS_A_TREE = 10
_TEXTS = 300
_TEXTS_AT_ONCE = 10

LABELS = ("severity", "team", "app", "region")
VALUES = ("info", "critical", "bi", "Billing desk", "보고서", 'a"b\\', "")
PATTERNS = ("info|bi", "crit.*", ".*", ".+", "", "[a-z]+", "보.서", r"a\"b\\", r"\w+ desk")

AFFORDABLE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each look for a smaller example would cost a second
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def quoted(text: str) -> str:
    """Return a value in double quotes, as people write it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


NAMES = st.sampled_from(LABELS)
EQUALITIES = st.builds("{}{}{}".format, NAMES, st.sampled_from(["=", "!=", " = "]), st.sampled_from(VALUES).map(quoted))
REGEXES = st.builds(
    "{}{}{}".format, NAMES, st.sampled_from(["=~", "!~", " !~ "]), st.sampled_from(PATTERNS).map(quoted)
)
BARE = st.builds(
    "{}{}{}".format, NAMES, st.sampled_from(["=", "!=", "=~"]), st.sampled_from(["info", "bi", " bi ", ""])
)
LINES = st.lists(st.one_of(EQUALITIES, REGEXES, BARE), max_size=2).flatmap(
    lambda parts: st.sampled_from([",".join(parts), f"{{{', '.join(parts)}}}"])
)

OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "receiver": st.integers(0, 99).map("r{}".format),
    "matchers": st.lists(LINES, max_size=2),
    "match": st.dictionaries(NAMES, st.sampled_from(VALUES), max_size=1),
    "match_re": st.dictionaries(NAMES, st.sampled_from(PATTERNS), max_size=1),
    "continue": st.booleans(),
}
ROUTES = st.recursive(
    st.fixed_dictionaries({}, optional=OPTIONS),
    lambda below: st.fixed_dictionaries({"routes": st.lists(below, min_size=1, max_size=4)}, optional=OPTIONS),
    max_leaves=16,
)
ALERTS = st.dictionaries(NAMES, st.sampled_from(VALUES), min_size=1)


def write(directory: Path, route: dict[str, Any]) -> tuple[Path, Path]:
    """Write the same routes as a configuration of Alertmanager's and as one of ours."""
    alerting = {"route": route, "receivers": [{"name": name} for name in ("root", *(f"r{n}" for n in range(100)))]}
    theirs, ours = directory / "alertmanager.yml", directory / "monitor.yml"
    theirs.write_text(json.dumps(alerting), encoding="utf-8")
    ours.write_text(
        json.dumps({"projects": {"p": {"api_key": "k"}}, "rule_files": [], "alerting": alerting}), encoding="utf-8"
    )
    return theirs, ours


async def amtool(config: Path, *arguments: str) -> str | None:
    """Return what `amtool config routes` prints; None when it refuses the configuration."""
    process = await asyncio.create_subprocess_exec(
        "amtool",
        "config",
        "routes",
        *arguments,
        f"--config.file={config}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode() if process.returncode == 0 else None


async def receivers(config: Path, alerts: Sequence[dict[str, str]]) -> list[list[str]]:
    """Return the receivers that amtool finds for each alert; it takes one alert at a time."""
    labels = [[f"{name}={quoted(value)}" for name, value in alert.items()] for alert in alerts]
    found = await asyncio.gather(*(amtool(config, "test", *each) for each in labels))
    return [answer.strip().split(",") if answer else [] for answer in found]


@settings(AFFORDABLE, max_examples=_TREES)
@given(
    children=st.lists(ROUTES, min_size=1, max_size=4),
    alerts=st.lists(ALERTS, min_size=_ALERTS_A_TREE, max_size=_ALERTS_A_TREE),
)
def test_routes_are_those_of_amtool(
    tmp_path: Path, children: list[dict[str, Any]], alerts: list[dict[str, str]]
) -> None:
    """Five hundred generated alerts take the same routes, in the same order, through fifty generated trees."""
    theirs, ours = write(tmp_path, {"receiver": "root", "routes": children})
    note(theirs.read_text(encoding="utf-8"))
    tree = routing_tree(load(ours, {}).alerting.route)
    expected = asyncio.run(receivers(theirs, alerts))
    for alert, names in zip(alerts, expected, strict=True):
        assert [route.receiver for route in tree.match(alert)] == names, alert


ROUTE = re.compile(r"^    └── (?P<matchers>.*)  receiver: r0$", re.MULTILINE | re.DOTALL)
TEXTS = st.builds(
    "{}{}".format, st.sampled_from(["", "{", "a=", 'a="', "a=~b", "{b:c!="]), st.text('ab{}=~!,"\\ \n_', max_size=12)
)


async def shown(directory: Path, texts: Sequence[str]) -> list[str | None]:
    """Return how amtool writes the matchers of each text, None for those it refuses."""
    configs = []
    for number, text in enumerate(texts):
        (directory / str(number)).mkdir(exist_ok=True)
        routes = [{"receiver": "r0", "matchers": [text]}]
        configs.append(write(directory / str(number), {"receiver": "root", "routes": routes})[0])
    found = await asyncio.gather(*(amtool(config, "show") for config in configs))
    trees = [ROUTE.search(answer) if answer else None for answer in found]
    return [tree["matchers"].replace("default-route", "{}") if tree else None for tree in trees]


@settings(AFFORDABLE, max_examples=_TEXTS // _TEXTS_AT_ONCE)
@given(texts=st.lists(TEXTS, min_size=_TEXTS_AT_ONCE, max_size=_TEXTS_AT_ONCE))
def test_matchers_are_those_of_amtool(tmp_path: Path, texts: list[str]) -> None:
    """
    Three hundred generated texts are the matchers that amtool makes of them, or are refused by both.

    This amtool knows the classic form only, so what newer versions take besides is left out.
    """
    for text, expected in zip(texts, asyncio.run(shown(tmp_path, texts)), strict=True):
        try:
            found = format_matchers(matchers._classic(text))
        except ValueError:
            found = None
        assert found == expected, repr(text)
