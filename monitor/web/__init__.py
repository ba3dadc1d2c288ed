"""The console, the JSON API, /metrics and the probes: what people and other programs see of the daemon."""

from __future__ import annotations

from monitor.web.app import build
from monitor.web.daemon import Daemon, ProjectView
from monitor.web.server import WebServer

__all__ = ["Daemon", "ProjectView", "WebServer", "build"]
