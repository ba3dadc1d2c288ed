from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.matchers import parse_matchers
from monitor.alerting.routing import Route, RoutingTree

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def route(
    receiver: str, matchers: str = "", *routes: Route, group_by: tuple[str, ...] = (), continue_: bool = False
) -> Route:
    """Return a route of these matchers with ordinary intervals, and those below it."""
    return Route(
        receiver=receiver,
        group_by=group_by,
        group_wait=10,
        group_interval=60,
        repeat_interval=14_400,
        matchers=parse_matchers(matchers),
        continue_=continue_,
        routes=routes,
    )


def taken(tree: RoutingTree, **labels: str) -> list[str]:
    """Return the receivers of the routes that an alert with these labels takes."""
    return [each.receiver for each in tree.match(labels)]


def test_takes_the_first_route_that_matches() -> None:
    """An alert takes the first child it matches, and no other."""
    tree = RoutingTree(route("root", "", route("first", "severity=info"), route("second", "severity=~info|critical")))
    assert taken(tree, severity="info") == ["first"]
    assert taken(tree, severity="critical") == ["second"]


def test_goes_on_after_continue() -> None:
    """After a child with `continue` the next ones are tried as well, up to the first without."""
    audit = route("audit", "team=bi", continue_=True)
    tree = RoutingTree(route("root", "", audit, route("first"), route("second", "team=bi")))
    assert taken(tree, team="bi") == ["audit", "first"]
    assert taken(tree, team="ops") == ["first"]


def test_falls_back_to_the_route_above() -> None:
    """An alert that no child takes goes to the route above them, and one that a child with `continue` took does not."""
    audit = route("audit", "team=bi", continue_=True)
    tree = RoutingTree(route("root", "", route("middle", "severity=critical", audit)))
    assert taken(tree) == ["root"]
    assert taken(tree, severity="critical") == ["middle"]
    assert taken(tree, severity="critical", team="bi") == ["audit"]
    assert taken(tree, team="bi") == ["root"]


def test_a_route_below_ends_the_search_above() -> None:
    """Whether the search goes on is said by the route on each level: `continue` below says nothing about above."""
    inner = route("inner", "b=1", continue_=True)
    tree = RoutingTree(route("root", "", route("outer", "a=1", inner), route("next", "a=1")))
    assert taken(tree, a="1", b="1") == ["inner"]
    outer = replace(tree.root.routes[0], continue_=True)
    assert taken(RoutingTree(route("root", "", outer, route("next", "a=1"))), a="1", b="1") == ["inner", "next"]


def test_needs_all_matchers_of_a_route() -> None:
    """A route is taken only by alerts that satisfy all of its matchers."""
    tree = RoutingTree(route("root", "", route("child", "team=bi,severity!=info")))
    assert taken(tree, team="bi", severity="critical") == ["child"]
    assert taken(tree, team="bi", severity="info") == ["root"]


@pytest.mark.parametrize(
    "root",
    [
        route("root", "severity=info"),
        replace(route("root"), mute_time_intervals=("nights",)),
        replace(route("root"), active_time_intervals=("days",)),
    ],
)
def test_refuses_a_root_that_does_not_take_everything(root: Route) -> None:
    """The root takes every alert at any time, so matchers and intervals on it are a mistake."""
    with pytest.raises(ValueError, match="root"):
        RoutingTree(root)


def test_keys_name_the_way_to_a_route() -> None:
    """The key of a route is that of the one above it and its own matchers, sorted, as in Alertmanager."""
    tree = RoutingTree(route("root", "", route("a", "b=2,a=1", route("b", "c!=3"), route("c"))))
    assert [each.key for each in tree.routes()] == [
        "{}",
        '{}/{a="1",b="2"}',
        '{}/{a="1",b="2"}/{c!="3"}',
        '{}/{a="1",b="2"}/{}',
    ]


def test_routes_that_look_the_same_have_keys_of_their_own() -> None:
    """The second of two children with the same matchers is numbered, whatever other routes come and go."""
    twins = [route("a", "team=bi,severity=info"), route("a", "severity=info,team=bi", route("deep", "x=y"))]
    keys = ['{}/{severity="info",team="bi"}', '{}/{severity="info",team="bi"}#2']
    tree = RoutingTree(route("root", "", *twins))
    assert [child.key for child in tree.root.routes] == keys
    assert tree.root.routes[1].routes[0].key == f'{keys[1]}/{{x="y"}}'
    more = RoutingTree(route("root", "", route("b", "x=y"), twins[0], route("c", "z=1"), twins[1]))
    assert [child.key for child in more.root.routes if child.receiver == "a"] == keys


def test_finds_a_route_and_the_way_to_it() -> None:
    """A route is found by its key, and so is the way to it from the root; an unknown key finds none."""
    tree = RoutingTree(route("root", "", route("a", "a=1", route("b", "b=2"))))
    found = tree.by_key('{}/{a="1"}/{b="2"}')
    assert found is not None
    assert [each.receiver for each in tree.path(found)] == ["root", "a", "b"]
    assert tree.by_key("{}") is tree.root
    assert tree.by_key('{}/{a="2"}') is None


LABELS = {"project": "p", "alertname": "X", "severity": "info"}


@pytest.mark.parametrize(
    ("matchers", "group_by", "key"),
    [
        (None, ("project",), '{}:{project="p"}'),
        (None, (), "{}:{}"),
        (None, ("missing",), "{}:{}"),
        ("severity=info", ("project", "alertname"), '{}/{severity="info"}:{alertname="X", project="p"}'),
        ('b!=2,a=~"1"', ("...",), '{}/{a=~"1",b!="2"}:{alertname="X", project="p", severity="info"}'),
    ],
)
def test_group_key(matchers: str | None, group_by: tuple[str, ...], key: str) -> None:
    """The key of a group has the form of Alertmanager's, sorted, without labels the alert does not have."""
    children = [] if matchers is None else [route("a", matchers, group_by=group_by)]
    tree = RoutingTree(route("root", "", *children, group_by=group_by))
    assert tree.group_key([*tree.routes()][-1], LABELS) == key


def test_group_labels() -> None:
    """The labels of a group are those it is grouped by, as far as the alert has them."""
    tree = RoutingTree(route("root", group_by=("alertname", "app")))
    assert tree.group_labels(tree.root, LABELS) == {"alertname": "X"}


@given(one=st.dictionaries(TEXT, TEXT, max_size=3), other=st.dictionaries(TEXT, TEXT, max_size=3))
def test_group_keys_differ_where_labels_differ(one: dict[str, str], other: dict[str, str]) -> None:
    """Two alerts share a group exactly when they share the values they are grouped by, quotes and commas or not."""
    names = ("a", "b")
    tree = RoutingTree(route("root", group_by=names))
    first, second = (dict(zip(names, labels.values(), strict=False)) for labels in (one, other))
    same = tree.group_key(tree.root, first) == tree.group_key(tree.root, second)
    assert same is (first == second)


MATCHERS = st.sampled_from(["", "a=1", "a!=1", "a=~1|2", "b=1", "b!=2,a=1"])
TREES = st.recursive(
    st.builds(route, st.just("r"), MATCHERS, continue_=st.booleans()),
    lambda below: st.builds(
        lambda matchers, routes, continue_: route("r", matchers, *routes, continue_=continue_),
        MATCHERS,
        st.lists(below, max_size=4),
        st.booleans(),
    ),
    max_leaves=12,
)


@given(children=st.lists(TREES, max_size=4), labels=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")))
def test_every_alert_goes_somewhere_it_belongs(children: list[Route], labels: dict[str, str]) -> None:
    """Every alert takes a route, matches all on the way to it, is in no route twice, and all keys are different."""
    tree = RoutingTree(route("root", "", *children))
    found = tree.match(labels)
    assert found
    assert all(each.matches(labels) for route in found for each in tree.path(route))
    assert len({each.key for each in found}) == len(found)
    assert len({each.key for each in tree.routes()}) == len([*tree.routes()])
