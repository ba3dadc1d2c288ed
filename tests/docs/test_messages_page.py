from __future__ import annotations

from monitor.messages.catalogue import CATALOGUE
from monitor.messages.english import ENGLISH
from monitor.messages.redaction import KINDS
from tests.docs.pages import rows
from tests.support.messages import PAGE, page


def test_examples_are_what_is_composed() -> None:
    """The examples of the page are the messages of their situations, word for word, one in each language at least."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)
    assert all(f" {language} -->\n```text\n== " in text for language in CATALOGUE)


def test_every_line_is_explained() -> None:
    """Each line that a message may have has its place in the page's table."""
    text = PAGE.read_text(encoding="utf-8")
    cells = {cell.strip() for row in text.splitlines() if row.startswith("| ") for cell in row.split("|")[1].split(",")}
    names = "since running ran count rating stop to_do progress last_step not_observed acknowledged_by details labels"
    assert {getattr(ENGLISH, name) for name in names.split()} <= cells


def test_every_kind_is_explained() -> None:
    """What can be taken out of an excerpt is what the page's table names."""
    assert set(KINDS) <= rows(PAGE)
