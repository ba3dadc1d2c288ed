from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.configured import load_rules
from monitor.model.builtin import Builtin
from monitor.settings import load
from tests.docs.pages import PAGES, ROOT, anchors, examples, links, rows

README = ROOT / "README.md"


def two_lines() -> list[str]:
    """Return the commands of the README's first example."""
    first = examples("bash")[0]
    assert first.page == README
    return [line for line in first.text.splitlines() if line and not line.startswith("#")]


def test_ci_runs_the_second_line() -> None:
    """What the README says about running the tests is what `.ci/run` runs, word for word."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    stated = re.search(r'^TESTS="(.*)"$', script, re.MULTILINE)
    assert stated is not None
    assert two_lines()[1] == stated[1]
    assert script.rstrip().endswith('bash -c "$TESTS"')


def test_two_lines_need_python_only() -> None:
    """Both lines make their own environment and install from this tree; one runs the demo and one the tests."""
    demo, tests = two_lines()
    assert all(line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ") for line in (demo, tests))
    assert demo.endswith(" . && .venv/bin/alli-monitor demo")
    assert tests.endswith(" -e '.[test]' && .venv/bin/python -m pytest -n auto --dist worksteal")


def test_every_alert_is_explained() -> None:
    """The README's table has every built-in alert and every shipped rule, and nothing else."""
    rules = load_rules(load(None, {"ALLI_MONITOR_API_KEY": "x"}))
    assert {word for word in rows(README) if word[0].isupper()} == rules.names | {name.value for name in Builtin}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file of this tree, and an anchor that it has."""
    for target in links(page):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        assert file.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}"


def test_every_page_is_in_the_index() -> None:
    """The README leads to every page of docs/, and so does its index, some by that of a folder."""
    docs = ROOT / "docs"
    for folder in (docs, docs / "receivers"):
        pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
        assert pages <= set(links(folder / "README.md"))
    assert "receivers/README.md" in links(docs / "README.md")
    assert {f"docs/{page.name}" for page in docs.glob("*.md")} - {"docs/README.md"} <= set(links(README))


def test_ci_runs_the_first_line() -> None:
    """What the README's first line does is done by `.ci/run` as well, away from the source, with a shorter demo."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    step = script.partition('step "what is installed is complete')[2].partition("\nstep ")[0]
    done = re.sub(r'"?\$scratch/"?|"', "", step)
    venv, install, demo = two_lines()[0].replace(".venv", "venv").split(" && ")
    assert all(part in done for part in (venv, install, demo)), done
