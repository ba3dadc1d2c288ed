"""The page about the client of Alli's API names what there is."""

from __future__ import annotations

from monitor.alli import client, completions, editor
from tests.docs.pages import ROOT, rows
from tests.support.api import API

PAGE = ROOT / "docs/api-client.md"


def test_every_operation_is_in_the_table() -> None:
    """The table has the sixteen operations of the description and no others."""
    assert rows(PAGE) == set(API["operations"])


def test_the_methods_exist() -> None:
    """Each row names a method of a client, by its class."""
    modules = (client, completions, editor)
    cells = [line.split("|")[2] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    for name in "".join(cells).replace("`", " ").replace(",", " ").split():
        owner, _, method = name.partition(".")
        assert any(hasattr(getattr(module, owner, None), method) for module in modules), name
