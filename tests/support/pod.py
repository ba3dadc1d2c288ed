"""
What a kubelet does with a pod, in a network of its own: starts its containers, probes them, ends them.

Run as a script, with a JSON file that `Pod` describes, inside a network namespace; prints what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.support.sandbox import COMMAND, Process, Sandbox
from tests.support.waiting import eventually

__all__ = ["run_pod"]

_PROGRAM = "/opt/alli-monitor/bin/alli-monitor"
_PATH = "/opt/alli-monitor/bin:/usr/bin:/bin"
_ROOT = Path(__file__).parents[2]


async def run_pod(
    pod: Mapping[str, Any],
    *,
    volumes: Mapping[str, Path],
    environ: Mapping[str, str],
    directory: Path,
    execute: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """
    Run the containers of a pod's spec as its kubelet would, until it is ready, and return what was seen.

    `volumes` are the directories behind its volumes, `environ` is what the image sets, and the image's command is
    ours. There is no network but the pod's own loopback. Once it is ready, the commands of `execute` are run in it, as
    ``kubectl exec`` would. The answer has ``probes`` (status by kind of probe), ``metrics`` (the text), ``executed``
    (exit code and output of each), ``code`` and ``seconds`` of the end, and ``logs`` by container.
    """
    story = directory / "pod.json"
    content = {
        "pod": pod,
        "volumes": {name: str(path) for name, path in volumes.items()},
        "environ": {"PATH": _PATH, **environ},
        "execute": execute,
    }
    story.write_text(json.dumps(content), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("bwrap", "--unshare-net", "--die-with-parent", "--dev-bind", "/", "/"),
        *(sys.executable, "-m", "tests.support.pod", story),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode("utf-8", "replace")
    seen: dict[str, Any] = json.loads(printed)
    return seen


def _sandbox(container: Mapping[str, Any], pod: Mapping[str, Any], volumes: Mapping[str, str]) -> Sandbox:
    context = {**pod["securityContext"], **container["securityContext"]}
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    mounts = container.get("volumeMounts", ())
    writable = {each["mountPath"]: Path(volumes[each["name"]]) for each in mounts if not each.get("readOnly")}
    return Sandbox(
        uid=context["runAsUser"],
        cwd=next(iter(writable), "/"),
        readable={
            _PROGRAM: COMMAND,
            **{each["mountPath"]: Path(volumes[each["name"]]) for each in mounts if each.get("readOnly")},
        },
        writable=writable,
        is_container=True,
    )


async def _probe(http: httpx.AsyncClient, container: Mapping[str, Any], kind: str) -> int:
    """Return the status that a probe gets, 0 where nothing listens."""
    get = container[kind]["httpGet"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    port = ports.get(get["port"], get["port"])
    try:
        return (await http.get(f"http://127.0.0.1:{port}{get['path']}")).status_code
    except httpx.TransportError:
        return 0


async def _look(container: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """Probe a container until it is started and ready, and look at its metrics and its console."""
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as http:

        async def succeeds(kind: str) -> bool:
            return await _probe(http, container, kind) == httpx.codes.OK

        for kind in ("startupProbe", "readinessProbe"):
            within = container[kind]["periodSeconds"] * container[kind].get("failureThreshold", 12)
            await eventually(partial(succeeds, kind), f"{kind}: {process.log}", within=min(within, 90))
        kinds = ("startupProbe", "livenessProbe", "readinessProbe")
        probes = {kind: await _probe(http, container, kind) for kind in kinds}
        port = container["ports"][0]["containerPort"]
        metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        console = (await http.get(f"http://127.0.0.1:{port}/")).status_code
    return {"probes": probes, "metrics": metrics, "console": console}


async def _execute(place: Sandbox, arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
    async with place.running(arguments, environ) as process:
        return await process.ended(), "\n".join(process.log)


async def _end(process: Process) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    process.signal(signal.SIGTERM)
    return {"code": await process.ended(), "seconds": loop.time() - began}


async def _run(story: Mapping[str, Any]) -> dict[str, Any]:
    pod = story["pod"]
    processes: dict[str, Process] = {}
    async with AsyncExitStack() as stack:
        for container in pod["containers"]:
            place = _sandbox(container, pod, story["volumes"])
            arguments = [*container.get("command", [_PROGRAM]), *container["args"]]
            processes[container["name"]] = await stack.enter_async_context(place.running(arguments, story["environ"]))
        (probed,) = (container for container in pod["containers"] if "readinessProbe" in container)
        seen = await _look(probed, processes[probed["name"]])
        place = _sandbox(probed, pod, story["volumes"])
        seen["executed"] = [await _execute(place, arguments, story["environ"]) for arguments in story["execute"]]
        seen |= await _end(processes[probed["name"]])
    return {**seen, "logs": {name: process.log for name, process in processes.items()}}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))))  # noqa: T201
