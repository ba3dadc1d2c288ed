"""
The image of the Dockerfile, built and run without Docker.

debootstrap makes a base, buildah builds in a chroot, and bubblewrap runs what was built the way
``docker run --read-only --cap-drop ALL --security-opt no-new-privileges`` does: as the image's user, on a root file
system that cannot be written, with the image's own environment. That needs root.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Container", "Image", "built_image", "missing", "output", "running"]

_ROOT = Path(__file__).parents[2]
_SUITE, _PYTHON = "bookworm", "3.11"  # the Debian release of the base, and its Python
_ENDS_WITHIN = 20.0  # seconds


def missing() -> str:
    """Return what this machine lacks for building and running an image; empty when it has everything."""
    programs = [each for each in ("buildah", "debootstrap", "bwrap") if shutil.which(each) is None]
    return ", ".join([*programs, *([] if os.geteuid() == 0 else ["root"])])


async def output(*command: str | Path) -> str:
    """Run a command to its end and return what it printed; fail with its errors unless it exits with 0."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stdout, stderr = await process.communicate()
    assert process.returncode == 0, f"{' '.join(map(str, command))}:\n{stderr.decode('utf-8', 'replace')[-4000:]}"
    return stdout.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that was built: its configuration, and its root file system in a directory of this machine."""

    config: Mapping[str, Any]
    root: Path

    def command(self, data: Path, temporary: Path, environment: Mapping[str, str], *words: str) -> list[str]:
        """Return what runs `words` in the image, with these directories at /data and /tmp, as process 1."""
        own = dict(each.split("=", 1) for each in self.config["Env"])
        variables = (part for item in {**own, **environment}.items() for part in ("--setenv", *item))
        user, group = self.config["User"].split(":")
        sandbox = ("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--clearenv")
        mounts = ("--ro-bind", self.root, "/", "--dev", "/dev", "--proc", "/proc")
        volumes = ("--bind", temporary, "/tmp", "--bind", data, "/data")  # noqa: S108 - of the container
        rights = (f"--reuid={user}", f"--regid={group}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
        program = ("setpriv", *rights, "--no-new-privs", *words)
        return [
            *("bwrap", *sandbox, *map(str, (*mounts, *volumes)), *variables),
            *("--chdir", self.config["WorkingDir"], "--", *program),
        ]

    async def execute(self, data: Path, *words: str, **environment: str) -> tuple[int, str]:
        """Run a command beside the daemon, as `docker exec` does; return its exit code and what it printed."""
        with tempfile.TemporaryDirectory() as temporary:
            command = self.command(data, Path(temporary), environment, *words)
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode("utf-8", "replace")


class Container:
    """The image's own command, running."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        self._process = process
        self._reading = asyncio.create_task(process.stderr.read())

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Process 1 of the container, as this machine numbers it."""
        sandbox = self._process.pid
        return int(Path(f"/proc/{sandbox}/task/{sandbox}/children").read_text(encoding="ascii"))

    def status(self) -> dict[str, str]:
        """Return what the kernel says of process 1."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return dict(line.split(":\t", 1) for line in lines)

    async def stop(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal as `docker stop` does; return the exit code and how many seconds it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        os.kill(self.pid, number)
        async with asyncio.timeout(_ENDS_WITHIN):
            code = await self._process.wait()
        return code, loop.time() - began

    async def logs(self) -> list[dict[str, Any]]:
        """Return what it logged, once it has ended."""
        return [json.loads(line) for line in (await self._reading).splitlines()]


@asynccontextmanager
async def running(image: Image, data: Path, temporary: Path, **environment: str) -> AsyncIterator[Container]:
    """Run the image's entry point with its command until the block ends."""
    words = [*image.config["Entrypoint"], *image.config["Cmd"]]
    command = image.command(data, temporary, environment, *words)
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    container = Container(process)
    try:
        yield container
    finally:
        if container.is_running:
            await container.stop(signal.SIGKILL)
        await container.logs()


@asynccontextmanager
async def built_image(directory: Path, **arguments: str) -> AsyncIterator[Image]:
    """
    Build the repository's Dockerfile with these build arguments, and yield the image while its files are mounted.

    The base is kept from run to run. pip gets its wheels from this machine, which fetched them by the hashes of the
    requirements; the build itself has no index.
    """
    storage = ("--root", directory / "storage", "--runroot", directory / "run", "--storage-driver", "vfs")
    buildah = ("buildah", *storage)
    base = (await output(*buildah, "from", "scratch")).strip()
    await output(*buildah, "add", base, await _base_directory(), "/")
    await output(*buildah, "commit", "--rm", base, "localhost/base")
    options = ("--isolation", "chroot", "--format", "docker", "--pull-never", "--tag", "localhost/alli-monitor")
    given = (f"--build-arg={name}={value}" for name, value in {"BASE_IMAGE": "localhost/base", **arguments}.items())
    await output(*buildah, "build", *options, *given, *await _wheels(directory), _ROOT)
    about = json.loads(await output(*buildah, "inspect", "--type", "image", "localhost/alli-monitor"))
    container = (await output(*buildah, "from", "--pull-never", "localhost/alli-monitor")).strip()
    root = (await output(*buildah, "mount", container)).strip()
    try:
        yield Image(config=about["Docker"]["config"], root=Path(root))
    finally:
        await output(*buildah, "umount", container)


async def _base_directory() -> Path:
    """Return a minimal Debian with Python; it takes half a minute the first time, and has its name once it is whole."""
    directory = Path(tempfile.gettempdir()) / f"alli-monitor-base-{_SUITE}-{os.getuid()}"
    if not directory.exists():
        with tempfile.TemporaryDirectory(dir=directory.parent) as workplace:
            made = Path(workplace) / "base"
            packages = "--include=python3,python3-venv,ca-certificates"
            await output("debootstrap", "--variant=minbase", packages, _SUITE, made)
            for name in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
                shutil.rmtree(made / name)  # it is copied often
            if not directory.exists():  # somebody else may have made it meanwhile
                made.rename(directory)
    assert directory.stat().st_uid == os.getuid(), f"{directory} is somebody else's"
    return directory


async def _wheels(directory: Path) -> list[str]:
    """Return the options of buildah that let pip in the build find its wheels, and nothing but these."""
    wheels = directory / "wheels"
    for name in ("build-requirements.txt", "requirements.txt"):
        listed = ("--require-hashes", "--no-deps", "--requirement", _ROOT / "deploy/image" / name)
        target = ("--python-version", _PYTHON, "--dest", wheels)
        await output(sys.executable, "-m", "pip", "download", "--quiet", *listed, *target)
    config = directory / "pip.conf"
    config.write_text("[global]\nno-index = true\nfind-links = /wheels-given\n", encoding="utf-8")
    return [f"--volume={wheels}:/wheels-given:ro", f"--secret=id=pip.conf,src={config}"]
