"""What the absence of a run means."""

from __future__ import annotations

import pytest

from monitor.tracking.absence import MOST_LAG, Absence, meaning
from tests.support.build import START, run


@pytest.mark.parametrize(
    ("follows_at_once", "after", "expected"),
    [
        (True, MOST_LAG - 0.1, Absence.MAY_BE_FORMER),
        (True, MOST_LAG, Absence.ENDED),
        (False, 0.1, Absence.ENDED),
    ],
)
def test_meaning(follows_at_once: bool, after: float, expected: Absence) -> None:  # noqa: FBT001 - of a table
    """An absence is unclear of a run that chats alone told from the one before, for as long as sources may lag."""
    assert meaning(run(follows_at_once=follows_at_once), at=START + after) is expected
