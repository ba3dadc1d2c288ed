"""The documentation as the tests read it: pages, fenced examples, links and headings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "ROOT", "Example", "anchors", "examples", "links", "rows"]

ROOT = Path(__file__).parents[2]

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| (?P<first>.+?) \|", re.MULTILINE)


class Example(NamedTuple):
    """A fenced block of a page; `line` is that of its first line."""

    page: Path
    line: int
    text: str

    @property
    def id(self) -> str:
        """Where it stands, for the names of tests."""
        return f"{self.page.name}:{self.line}"

    @property
    def kind(self) -> str:
        """What a YAML example is: ``rules``, ``project`` for a project's own file, or ``monitor``."""
        if self.text.startswith("groups:"):
            return "rules"
        return "project" if re.search(r"^base_url:", self.text, re.MULTILINE) else "monitor"


def examples(language: str) -> list[Example]:
    """Return the blocks in `language` of all pages."""
    return [
        Example(page, text.count("\n", 0, found.start()) + 2, found["text"])
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for found in _FENCE.finditer(text)
        if found["language"] == language
    ]


def links(page: Path) -> list[str]:
    """Return the targets of the links of a page, outside of its examples."""
    return [found["target"] for found in _LINK.finditer(_prose(page))]


def anchors(page: Path) -> set[str]:
    """Return what a link may name after the #: the headings as GitHub makes anchors of them."""
    titles = (found["title"].lower() for found in _HEADING.finditer(_prose(page)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def rows(page: Path) -> set[str]:
    """Return the words in code style in the first cells of the tables of a page."""
    return {word for found in _ROW.finditer(_prose(page)) for word in re.findall(r"`([^`]+)`", found["first"])}


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
