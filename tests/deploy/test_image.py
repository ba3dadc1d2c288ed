"""The image: built from the Dockerfile by buildah, and really run, without Docker."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor import __version__
from monitor.clock import SystemClock
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import KEY, begin_run
from tests.docs.pages import ROOT
from tests.support.container import Container, Image, built_image, missing, running
from tests.support.waiting import eventually

DOCKERFILE = ROOT / "Dockerfile"
GRACE = 10.0  # seconds: what `docker stop` gives when nobody says otherwise


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_image_is_built_from_what_is_sent() -> None:
    """What the Dockerfile copies is what .dockerignore lets through, and has all that the package is built from."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    copied = {name for line in copies for name in line.split()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
    assert {"pyproject.toml", "monitor", "rules", project["readme"], *project["license-files"]} <= copied


def test_dockerfile_is_clean() -> None:
    """Hadolint finds nothing in the Dockerfile, not even in what its shell lines do."""
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


@pytest.mark.service
@pytest.mark.timeout(900)  # copies of a small Debian, on a disk and cores that others use too
@pytest.mark.skipif(bool(missing()), reason=f"an image cannot be built and run here, for lack of {missing()}")
async def test_image_runs_as_it_should(tmp_path_factory: pytest.TempPathFactory) -> None:
    """
    The image installs what is pinned, and its daemon runs without rights on a file system that it cannot write.

    It says of itself that it is healthy, keeps its database in /data, writes nothing else, and ends when it is told to.
    """
    place = tmp_path_factory.mktemp("image")
    world = World(SystemClock())
    begin_run(world)
    async with built_image(place, VERSION=__version__, REVISION="0a1b2c3") as image, serve(world) as api:
        check_config(image.config)
        await check_contents(image, directory(place / "checked"))
        data, temporary = directory(place / "data"), directory(place / "tmp")
        port = free_port()
        environment = {
            "ALLI_MONITOR_API_KEY": KEY,
            "ALLI_MONITOR_BASE_URL": api,
            "ALLI_MONITOR_WEB__LISTEN": f"0.0.0.0:{port}",
        }
        check = image.config["Healthcheck"]["Test"][1:]
        async with running(image, data, temporary, **environment) as container:
            await check_daemon(container, f"http://127.0.0.2:{port}")
            assert await image.execute(data, *check, **environment) == (0, "healthy\n")
            code, seconds = await container.stop(signal.Signals[image.config["StopSignal"]])
        assert code == 0, await container.logs()
        assert seconds < GRACE
        code, said = await image.execute(data, *check, **environment)
        assert (code, said) == (1, f"unhealthy: no daemon can be asked at 127.0.0.1:{port}: connection refused\n")
    assert "monitor.db" in {each.name for each in data.iterdir()}
    assert all(each.name.startswith("monitor.db") and each.stat().st_uid == 10001 for each in data.iterdir())
    assert not list(temporary.iterdir())


def directory(path: Path) -> Path:
    """Return a new directory that belongs to the image's user, as a volume does."""
    path.mkdir(mode=0o700)
    os.chown(path, 10001, 10001)
    return path


def check_config(config: Mapping[str, Any]) -> None:
    """Check that what Docker and others read of the image is there."""
    assert config["User"] == "10001:10001"
    assert config["WorkingDir"] == "/data"
    assert config["Volumes"] == {"/data": {}}
    assert config["ExposedPorts"] == {"7464/tcp": {}}
    assert config["StopSignal"] == "SIGTERM"
    assert (config["Entrypoint"], config["Cmd"]) == (["alli-monitor"], ["run"])
    assert config["Healthcheck"]["Test"] == ["CMD", "alli-monitor", "healthcheck"]
    assert {"ALLI_MONITOR_WEB__LISTEN=0.0.0.0:7464", "ALLI_MONITOR_STORAGE__URL=sqlite:////data/monitor.db"} <= {
        *config["Env"]
    }
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    assert (labels["title"], labels["licenses"]) == ("alli-monitor", "Apache-2.0")
    assert (labels["version"], labels["revision"], labels["created"]) == (__version__, "0a1b2c3", "")
    assert labels["base.name"] == "localhost/base"


async def check_contents(image: Image, place: Path) -> None:
    """Check that just what is pinned is installed, with its bytecode, and is as large as the page says."""
    shutil.copytree(ROOT / "deploy/supply", place / "supply")
    code, said = await image.execute(place, "python", "/data/supply/verify.py")
    assert code == 0, said
    documents = {each.name for each in (image.root / "usr/share/doc/alli-monitor").iterdir()}
    assert documents == {"LICENSE", "THIRD_PARTY.md", "sbom.json"}
    own = image.root / "opt/alli-monitor"
    assert not list(own.rglob("tests"))
    assert list(own.rglob("monitor/cli/__pycache__/healthcheck.*.pyc"))
    stated = re.search(r"adds (\d+) MB", (ROOT / "docs/container.md").read_text(encoding="utf-8"))
    assert stated is not None
    size = sum(each.lstat().st_size for each in own.rglob("*")) / 1e6
    assert size == pytest.approx(int(stated[1]), rel=0.05)


async def check_daemon(container: Container, url: str) -> None:
    """Check that the daemon listens on every address, observes, wants a token, and has no right whatever."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:

        async def is_ready() -> bool:
            assert container.is_running, await container.logs()
            try:
                return (await http.get("/-/ready")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        await eventually(is_ready, "the daemon is ready", within=60.0)
        assert re.search(
            r'^alli_runs_running\{.*project="default"\} 1\.0$', (await http.get("/metrics")).text, re.MULTILINE
        )
        assert (await http.get("/")).status_code == httpx.codes.FORBIDDEN
    status = container.status()
    assert status["Uid"].split() == status["Gid"].split() == ["10001"] * 4
    assert status["NoNewPrivs"] == "1"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
