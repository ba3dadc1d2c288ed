"""The page about operations has every path and every parameter of the HTTP interface."""

from __future__ import annotations

import re
from typing import Any, cast

from starlette.routing import BaseRoute, Mount, Route

from monitor.settings import Web
from monitor.web.app import build
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## HTTP\n")[2].partition("\n## ")[0]


def served(routes: list[BaseRoute], prefix: str = "") -> set[str]:
    """Return what is served as ``METHOD path``; reading, where nothing else is asked for, is GET."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            found |= served(route.routes, prefix + route.path)
        elif isinstance(route, Mount):
            found.add(f"GET {prefix}{route.path}/{{file}}")
        else:
            assert isinstance(route, Route)
            assert route.methods
            path = re.sub(r":\w+}", "}", prefix + route.path)
            found |= {f"{method} {path}" for method in route.methods - {"HEAD"}}
    return found


def cells(head: str) -> list[str]:
    """Return the first cells of the table whose first head cell is `head`."""
    table = SECTION.partition(f"\n| {head} |")[2].partition("\n\n")[0]
    return [line.split("|")[1] for line in table.splitlines()[2:]]


def test_every_path_is_documented() -> None:
    """The table has each path that the daemon serves, with its method, and no other."""
    spans = {span for cell in cells("path") for span in re.findall(r"`([^`]+)`", cell)}
    documented = {span if " " in span else f"GET {span}" for span in spans}
    app = build(cast("Any", None), Web)
    assert documented == served(app.routes)


def test_every_parameter_is_documented() -> None:
    """The table of what may stand in a query is what the code reads out of queries."""
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "monitor/web").glob("*.py"))
    read = set(re.findall(r"(?:query|query_params)\.get\(\"(\w+)\"", sources))
    assert {span for cell in cells("in the query") for span in re.findall(r"`([^`]+)`", cell)} == read


def test_every_status_is_documented() -> None:
    """Each refusal that the web server can answer stands in the table of statuses."""
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "monitor/web").glob("*.py"))
    named = {
        "BAD_REQUEST": 400,
        "UNAUTHORIZED": 401,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "CONFLICT": 409,
        "REQUEST_ENTITY_TOO_LARGE": 413,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "MISDIRECTED_REQUEST": 421,
    }
    used = {
        named[name] for name in re.findall(r"HTTPStatus\.([A-Z_]+)", sources) if name not in {"CREATED", "ACCEPTED"}
    }
    assert used | {503} == {int(number) for cell in cells("status") for number in re.findall(r"\d+", cell)}
