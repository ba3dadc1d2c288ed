from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from monitor.cli import commands

CONFIG = """
projects:
  sales: {api_key: k, auto_stop: {mode: off}}
  support: {api_key: k}
project_files: [none/*.yml]
apps:
  - {match: "Report*", run_limit: 4h, labels: {team: bi, tier: gold}, auto_stop: {mode: off}}
  - {match: "*"}
"""


def test_prints_what_holds_for_each_app(tmp_path: Path) -> None:
    """Each entry of `apps` is printed with its limit, its mode in all projects, and its labels."""
    config = tmp_path / "monitor.yml"
    config.write_text(CONFIG)
    result = CliRunner().invoke(commands, ["check", "--config", str(config)])
    assert result.exit_code == 0
    assert [line.split(maxsplit=1)[1] for line in result.stdout.splitlines() if line.startswith("app ")] == [
        "Report*: limit 4h, stop off, team=bi, tier=gold",
        "*: limit 1h, stop off or shadow",
    ]
    assert result.stderr == "warning: project_files: none/*.yml matches no file\n"
