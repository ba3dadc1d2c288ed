"""The Compose stack: what of its files can be checked without Docker, and the stack played without containers."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from compose_spec import PyOptions
from ruamel.yaml import YAML

from monitor.settings import load
from tests.docs.pages import ROOT
from tests.support.alertmanager import alertmanager_binary
from tests.support.daemon import command
from tests.support.waiting import eventually

COMPOSE = ROOT / "deploy/compose"
OWN = ("compose.yml",)
DEMO = ("compose.yml", "compose.demo.yml")
STACKS = pytest.mark.parametrize("files", [OWN, DEMO], ids=["own", "demo"])

ADDRESS = re.compile(r"(?<![\w.-])(monitor|prometheus|alertmanager|grafana|127\.0\.0\.1|0\.0\.0\.0):(\d{4,5})\b")
SECRET = re.compile(r"/run/secrets/(\w+)")
OWN_API = "https://backend.alli.ai"


class Mount(NamedTuple):
    """What a service has mounted: a path on this machine, or the name of a volume, and where."""

    source: str
    target: str
    mode: str


def merged(below: Any, above: Any) -> Any:
    """Return what Compose makes of two files: mappings are joined, lists too, mounts by where they are mounted."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {
            key: merged(below[key], above[key]) if key in below and key in above else above.get(key, below.get(key))
            for key in {**below, **above}
        }
    if isinstance(below, list) and isinstance(above, list):
        return [*{_unique(item): item for item in [*below, *above]}.values()]
    return above


def _unique(item: str) -> str:
    return item.split(":")[1] if item.count(":") > 1 and "/" in item else item


def stack(files: Sequence[str]) -> dict[str, Any]:
    """Return the whole of some Compose files."""
    found: Any = {}
    for name in files:
        found = merged(found, YAML(typ="safe").load(COMPOSE / name))
    return dict(found)


def mounts(service: Mapping[str, Any]) -> list[Mount]:
    """Return what a service has mounted."""
    return [Mount(*[*each.split(":"), "rw"][:3]) for each in service["volumes"]]


def mounted_text(service: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of each file that a service has mounted from the repository."""
    for mount in mounts(service):
        if mount.source.startswith("."):
            for file in (COMPOSE / mount.source).rglob("*.yml"):
                lines = file.read_text(encoding="utf-8").splitlines()
                yield "\n".join(line.partition(" #")[0] for line in lines if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("name", DEMO)
def test_files_are_of_the_compose_specification(name: str) -> None:
    """Each file is one by an implementation of the specification that refuses unknown keys."""
    PyOptions(apply_merge=True).from_yaml((COMPOSE / name).read_text(encoding="utf-8"))


@STACKS
def test_what_is_used_is_there(files: tuple[str, ...]) -> None:
    """Volumes, secrets and networks that services name are declared, and all that is declared is used."""
    whole = stack(files)
    services = whole["services"]
    named = {mount.source for each in services.values() for mount in mounts(each) if not mount.source.startswith(".")}
    assert named == whole["volumes"].keys()
    assert {name for each in services.values() for name in each.get("secrets", ())} == whole["secrets"].keys()
    for each in services.values():
        assert all((COMPOSE / mount.source).is_dir() for mount in mounts(each) if mount.source.startswith("."))
        assert not [each for mount in mounts(each) if mount.source.startswith(".") and mount.mode != "ro"]
    folder = "secrets/" if files == OWN else "demo/secrets/"
    assert all(secret["file"].startswith(folder) for secret in whole["secrets"].values())
    assert files == OWN or all((COMPOSE / secret["file"]).is_file() for secret in whole["secrets"].values())


@STACKS
def test_secrets_that_files_name_are_mounted(files: tuple[str, ...]) -> None:
    """What a service's files or environment read below /run/secrets is mounted there, and nothing that nobody reads."""
    for name, service in stack(files)["services"].items():
        texts = [*mounted_text(service), *service.get("environment", {}).values()]
        read = {secret for text in texts for secret in SECRET.findall(text)}
        mounted = set(service.get("secrets", ()))
        assert read <= mounted, name
        assert files == DEMO or read == mounted, name


@STACKS
def test_addresses_name_a_service_and_its_port(files: tuple[str, ...]) -> None:
    """Every address in a mounted file, a command or a check is that of a service of the stack, at a port it has."""
    services = stack(files)["services"]
    ports = {name: {port.rpartition(":")[2] for port in each.get("ports", ())} for name, each in services.items()}
    own = {"7465"} if "simulator" in services else set()
    seen = set()
    for name, service in services.items():
        words = [*service.get("command", ()), *service.get("healthcheck", {}).get("test", ())]
        for host, port in ADDRESS.findall("\n".join([*mounted_text(service), *words])):
            local = own | set().union(*ports.values())
            assert port in (local if host == "127.0.0.1" else ports[host]), (name, host, port)
            seen.add((host, port))
    assert {("monitor", "7464"), ("alertmanager", "9093"), ("prometheus", "9090")} <= seen


@STACKS
def test_services_have_no_rights_they_do_not_need(files: tuple[str, ...]) -> None:
    """Each service has a root file system it cannot write, no capabilities, a pinned image and ports on loopback."""
    for name, service in stack(files)["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["image"] == "alli-monitor" or re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert "healthcheck" in service or name == "monitor", name  # the image has one
        assert "privileged" not in service


class Played:
    """
    A stack of processes on loopback in place of containers.

    Only places differ from the stack: what is mounted is copied below `directory`, and each address gets a free port.
    """

    def __init__(self, services: Mapping[str, Any], secrets: Mapping[str, str], directory: Path) -> None:
        self.services = services
        self._directory = directory
        self._ports: dict[str, int] = {}
        self._secrets = directory / "secrets"
        self._secrets.mkdir()
        for name, text in secrets.items():
            (self._secrets / name).write_text(text, encoding="utf-8")
        for name, service in services.items():
            for mount in mounts(service):
                self._mount(name, mount)

    def url(self, port: str) -> str:
        """Return where on loopback the stack's port is."""
        return f"http://127.0.0.1:{self._port(port)}"

    def words(self, name: str, words: Sequence[str]) -> list[str]:
        """Return the words of a command with the places of this machine in them."""
        return [self._rewritten(name, word) for word in words]

    def _mount(self, name: str, mount: Mount) -> None:
        place = self._place(name, mount.target)
        if not mount.source.startswith("."):
            place.mkdir(parents=True)
            return
        shutil.copytree(COMPOSE / mount.source, place)
        for file in place.rglob("*.yml"):
            file.write_text(self._rewritten(name, file.read_text(encoding="utf-8")), encoding="utf-8")

    def _rewritten(self, name: str, text: str) -> str:
        text = ADDRESS.sub(lambda found: f"127.0.0.1:{self._port(found[2])}", text).replace(OWN_API, self.url("7465"))
        text = text.replace("/run/secrets/", f"{self._secrets}/")
        for mount in mounts(self.services[name]):
            place = str(self._place(name, mount.target))
            text = re.sub(rf"(?<!\w){mount.target}(?=/|$)", place, text, flags=re.MULTILINE)
        return text

    def _place(self, name: str, target: str) -> Path:
        return self._directory / name / target.strip("/").replace("/", "-")

    def _port(self, port: str) -> int:
        if port not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[port] = probe.getsockname()[1]
        return self._ports[port]


@asynccontextmanager
async def process(words: Sequence[str], log: Path, environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Run a command until the block ends, and let it end as an operator would; its output goes into a file."""
    with log.open("wb") as file:
        running = await asyncio.create_subprocess_exec(
            *words, stdout=file, stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", **environment}, cwd=ROOT
        )
        try:
            yield
            assert running.returncode is None, f"{words} ended: see {log}"
        finally:
            if running.returncode is None:
                running.terminate()
            await running.wait()


async def answer(http: httpx.AsyncClient, url: str) -> Any:
    """Return the data of an answer of Prometheus's, or the whole of another one; nothing while there is none."""
    try:
        response = await http.get(url)
    except httpx.TransportError:
        return None
    if not response.is_success:
        return None
    content = response.json() if response.headers["content-type"].startswith("application/json") else response.text
    return content["data"] if isinstance(content, dict) else content


def image_environment() -> dict[str, str]:
    """Return what the Dockerfile sets for the monitor."""
    return dict(re.findall(r"(ALLI_MONITOR_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))


@pytest.mark.service
@pytest.mark.timeout(300)
@STACKS
async def test_stack_works_together(files: tuple[str, ...], tmp_path: Path) -> None:
    """
    With the commands and files of the stack, Prometheus scrapes the monitor, and alerts arrive in Alertmanager.

    Grafana is not here to be run. A simulated Alli service takes the place of yours.
    """
    binaries = {"prometheus": shutil.which("prometheus"), "alertmanager": alertmanager_binary()}
    if not all(binaries.values()):
        pytest.skip("Prometheus or Alertmanager is not installed")
    services = stack(DEMO)["services"] | stack(files)["services"]
    secrets = {"alli_api_key": "simulated-key", "web_token": "let-me-in"}
    played = Played({name: each for name, each in services.items() if name != "grafana"}, secrets, tmp_path)
    environment = {name: played.words("monitor", [value])[0] for name, value in image_environment().items()}
    async with AsyncExitStack() as running, httpx.AsyncClient(trust_env=False, timeout=10.0) as http:

        async def start(name: str, program: Sequence[str], *more: str) -> None:
            words = [*program, *played.words(name, services[name]["command"]), *more]
            await running.enter_async_context(process(words, tmp_path / f"{name}.log", environment))

        async def shown(url: str, what: str) -> Any:
            return await eventually(lambda: answer(http, url), what, within=90.0)

        await start("simulator", command(), "--port", played.url("7465").rpartition(":")[2])
        await start("monitor", command())
        for name, port in (("prometheus", "9090"), ("alertmanager", "9093")):
            address = played.url(port).removeprefix("http://")
            await start(name, [str(binaries[name])], f"--web.listen-address={address}")

        for name, port in (("prometheus", "9090"), ("alertmanager", "9093")):
            check = played.words(name, services[name]["healthcheck"]["test"])
            assert check[-1].startswith(played.url(port))
            await shown(check[-1], f"{name} is healthy")
        ready = await shown(f"{played.url('7464')}/-/ready", "the monitor is ready")
        assert ready == "ready\n"

        await eventually(lambda: is_healthy(played, services["simulator"]), "the simulator is healthy")
        prometheus = f"{played.url('9090')}/api/v1"
        await eventually(lambda: is_up(http, prometheus), "Prometheus scrapes the monitor", within=90.0)
        groups = (await shown(f"{prometheus}/rules", "Prometheus has rules"))["groups"]
        assert {Path(group["file"]).name for group in groups} == {
            file.name for file in (ROOT / "deploy/prometheus/rules").glob("*.yml")
        }
        receivers = (await shown(f"{prometheus}/alertmanagers", "Prometheus knows Alertmanager"))["activeAlertmanagers"]
        assert [each["url"] for each in receivers] == [f"{played.url('9093')}/api/v2/alerts"]

        async def told() -> list[Any]:
            alerts = await answer(http, f"{played.url('9093')}/api/v2/alerts") or []
            return [each for each in alerts if each["labels"]["alertname"] == "Watchdog"]

        alerts = await eventually(told, "an alert of the monitor is in Alertmanager", within=60.0)
        assert alerts[0]["generatorURL"].startswith(played.url("7464"))


async def is_up(http: httpx.AsyncClient, prometheus: str) -> bool:
    """Whether the monitor is the one target of Prometheus, and answers."""
    targets = (await answer(http, f"{prometheus}/targets"))["activeTargets"]
    assert [each["labels"]["job"] for each in targets] == ["alli-monitor"]
    return bool(targets[0]["health"] == "up")


async def is_healthy(played: Played, service: Mapping[str, Any]) -> bool:
    """Whether the check of a service that runs from the monitor's image finds it healthy."""
    cmd, program, *words = played.words("simulator", service["healthcheck"]["test"])
    assert (cmd, program) == ("CMD", "alli-monitor")
    check = await asyncio.create_subprocess_exec(*command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return await check.wait() == 0


def test_own_configuration_is_fine(tmp_path: Path) -> None:
    """The configuration for one's own projects loads with the secrets of the stack, and tells Alertmanager of it."""
    service = stack(OWN)["services"]["monitor"]
    played = Played({"monitor": service}, dict.fromkeys(service["secrets"], "secret"), tmp_path)
    config = Path(played.words("monitor", service["command"])[-1])
    settings = load(config, {})
    assert settings.web.token is not None
    assert [len(each.alertmanager_configs) for each in settings.alerting.receivers] == [1]
