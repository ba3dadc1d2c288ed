from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.model.alert import Identity, fingerprint
from monitor.model.builtin import SEVERITIES, Builtin
from tests.support.build import alert, identity

_texts = st.text(st.characters(exclude_categories=[]), max_size=4)
_identities = st.builds(
    Identity,
    project=_texts,
    rule=_texts,
    subject=st.lists(st.tuples(_texts, _texts), max_size=3).map(lambda pairs: tuple(sorted(pairs))),
)


def test_fingerprint_is_the_same_for_ever() -> None:
    """The fingerprint of an identity never changes: receivers and older databases know the alert by it."""
    assert fingerprint(identity(run_id="r1", conversation_id="c1")) == "3eae19bcd2ebedec"


def test_fingerprint_ignores_what_an_edit_may_change() -> None:
    """Labels, texts and severity are no part of the identity of an alert."""
    assert alert(labels={"severity": "info"}).fingerprint == alert(labels={"severity": "critical"}).fingerprint


def test_subject_is_ordered_by_name() -> None:
    """Equal subjects are equal, in whichever order their ids were named."""
    assert identity(a="1", b="2") == identity(b="2", a="1")


@given(one=_identities, other=_identities)
def test_fingerprints_are_as_different_as_identities(one: Identity, other: Identity) -> None:
    """Two identities have one fingerprint exactly if they are equal, whatever text stands in them."""
    assert (fingerprint(one) == fingerprint(other)) is (one == other)


@given(parts=st.lists(st.text("1:a", max_size=3), min_size=3, max_size=3))
def test_parts_cannot_be_shifted(parts: list[str]) -> None:
    """Text cannot move from one part of an identity into the next and stay the same alert."""
    project, rule, moved = parts
    whole = Identity(project=project + moved, rule=rule)
    shifted = Identity(project=project, rule=moved + rule)
    assert (fingerprint(whole) == fingerprint(shifted)) is (whole == shifted)


def test_every_builtin_alert_has_a_severity() -> None:
    """No built-in alert is sent without a severity to route it by."""
    assert set(SEVERITIES) == set(Builtin)
