"""The documentation as the tests read it: pages, fenced examples, links and headings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "ROOT", "Example", "anchors", "command_lines", "examples", "links", "rows", "spans"]

ROOT = Path(__file__).parents[2]

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "THIRD_PARTY.md",
    *(page for folder in ("docs", "deploy", "tests") for page in sorted((ROOT / folder).rglob("*.md"))),
]

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| (?P<first>.+?) \|", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_PROMPT = "$ "
_AFTER_WHICH_COMMANDS_BEGIN = {"--", "&&", "||", ";", "|", "("}


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


def spans(page: Path) -> list[str]:
    """Return what a page has in code style, outside of its examples."""
    return _SPAN.findall(_prose(page))


def command_lines() -> list[tuple[str, list[str]]]:
    """Return the words after `alli-monitor` of each command in the examples of all pages, with their place."""
    lines = [
        (example.id, line.removeprefix(_PROMPT))
        for language in ("bash", "console", "text")
        for example in examples(language)
        for line in example.text.replace("\\\n", " ").splitlines()
        if language == "bash" or line.startswith(_PROMPT)
    ]
    return [(place, words) for place, line in lines for words in _commands(line)]


def _commands(line: str) -> list[list[str]]:
    """Return the words after `alli-monitor` of each of our commands in a line of a shell."""
    shell = shlex.shlex(line, posix=True, punctuation_chars=True)
    shell.whitespace_split = True
    found: list[list[str]] = []
    is_ours, may_begin = False, True
    for word in shell:
        if may_begin and word.rpartition("/")[2] == "alli-monitor":
            found.append([])
            is_ours, may_begin = True, False
        elif word in _AFTER_WHICH_COMMANDS_BEGIN or not word.strip("<>&"):
            is_ours, may_begin = False, word in _AFTER_WHICH_COMMANDS_BEGIN
        elif is_ours:
            found[-1].append(word)
        else:
            may_begin = may_begin and "=" in word  # a variable before the command
    return found


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
