from __future__ import annotations

import pytest

from monitor.clock import SystemClock
from monitor.simulator.loading import parse_scenario
from monitor.simulator.options import Options
from monitor.simulator.scenario import ServerSpec
from monitor.simulator.script import build_world
from tests.docs.pages import ROOT, Example, examples, rows

PAGE = ROOT / "docs/simulator.md"


@pytest.mark.parametrize("example", examples("yml"), ids=lambda example: example.id)
def test_scenarios_load(example: Example) -> None:
    """Each example of a scenario can be played, and its server is not the default one."""
    assert example.page == PAGE
    assert build_world(parse_scenario(example.text), SystemClock()).options != Options()


def test_every_key_of_the_server_is_documented() -> None:
    """The table has every key of `server`, and no other."""
    keys = {field.alias or name for name, field in ServerSpec.model_fields.items()}
    assert rows(PAGE) - {"server"} == keys
