from __future__ import annotations

from monitor.model.capabilities import Capabilities
from monitor.tracking.capability_report import report
from tests.docs.pages import ROOT, rows


def test_every_line_of_the_report_is_explained() -> None:
    """Somebody who reads a capability report finds each of its lines in the page about it."""
    assert rows(ROOT / "docs" / "capabilities.md") == {line.name for line in report(Capabilities())}
