"""The set of servers over which the acceptance tests run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import combinations, product

import pytest

from monitor.simulator.options import Options
from tests.support.unknowns import FACTORS, covering, options, title

SMALL = {"a": {"1": None, "2": None}, "b": {"1": None, "2": None, "3": None}, "c": {"1": None}}


@pytest.mark.parametrize("factors", [FACTORS, SMALL, {"a": FACTORS["stop"], "b": FACTORS["units"]}])
def test_every_two_levels_meet(factors: Mapping[str, Mapping[str, object]]) -> None:
    """Each level of each factor occurs together with each level of every other factor."""
    met = {pair for choice in covering(factors) for pair in combinations(choice.items(), 2)}
    for one, other in combinations(factors, 2):
        assert met >= set(product(product([one], factors[one]), product([other], factors[other])))


def test_the_set_is_small_and_the_same() -> None:
    """A set needs little more choices than its two largest factors have pairs, and is the same on every call."""
    choices = covering(FACTORS)
    largest, second = sorted((len(levels) for levels in FACTORS.values()), reverse=True)[:2]
    assert largest * second <= len(choices) <= largest * second + 10
    assert covering(FACTORS) == choices
    assert len(covering(SMALL)) == 6


def test_the_first_server_is_the_usual_one() -> None:
    """The first level of each factor is the default, and the first choice has them all."""
    first, *others = covering(FACTORS)
    assert (options(first), title(first)) == (Options(), "the defaults")
    assert all(options(each) != Options() for each in others)


def test_levels_that_ignore_parameters_add_up() -> None:
    """Where several levels make the server ignore parameters, it ignores all of them."""
    both = options({"backgroundRunning": "ignored", "time filters": "ignored"})
    assert both.ignored_parameters > {"backgroundRunning", "startedAt"}
    assert title({"backgroundRunning": "ignored", "stop": "at once"}) == "backgroundRunning: ignored"


def test_no_switch_is_forgotten() -> None:
    """Every option of the server but its key and time zone is turned by some level."""
    turned = {name for levels in FACTORS.values() for changes in levels.values() for name in changes}
    assert turned == {field.name for field in fields(Options)} - {"api_key", "timezone"}
