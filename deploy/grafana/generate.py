"""
Writes the dashboards for Grafana, and the lists of their panels in the documentation.

``python deploy/grafana/generate.py``. What a panel asks and says is in the modules beside this file; a test compares
what they make with dashboards/ and docs/dashboards.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, RowPanel

from deploy.grafana.health import health
from deploy.grafana.operations import operations
from deploy.grafana.quality import quality

__all__ = ["DASHBOARDS", "PAGE", "render", "render_page"]

DASHBOARDS = Path(__file__).parent / "dashboards"
"""Where the files are."""

PAGE = Path(__file__).parents[2] / "docs/dashboards.md"
"""The page that describes them."""

_PART = re.compile(r"(<!-- panels: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {f"{name}.json": json.dumps(each, cls=JSONEncoder, indent=2) + "\n" for name, each in _made().items()}


def render_page(page: str) -> str:
    """Return the text of the page with its lists of panels made anew."""
    made = _made()
    return _PART.sub(lambda found: f"{found[1]}\n{_table(made[found['name']])}\n{found[3]}", page)


def _made() -> dict[str, Dashboard]:
    return {"operations": operations(), "quality": quality(), "health": health()}


def _table(dashboard: Dashboard) -> str:
    lines = ["| panel | it says |", "| --- | --- |"]
    for panel in dashboard.panels or []:
        bold = isinstance(panel, RowPanel)
        title = (panel.title or "").replace("|", "\\|")
        says = "" if isinstance(panel, RowPanel) else (panel.description or "").replace("|", "\\|")
        lines.append(f"| **{title}** | |" if bold else f"| {title} | {says} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for file, text in render().items():
        (DASHBOARDS / file).write_text(text, encoding="utf-8")
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
