"""What `kubectl apply -k` would send: rendered, checked against Kubernetes' schemas and rules, and run as a pod."""

from __future__ import annotations

import copy
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from deploy.kubernetes.generate import TARGET, prometheus_rule
from monitor import __version__
from monitor.configured import load_rules
from monitor.settings import Settings, load
from tests.docs.pages import ROOT
from tests.support.pod import run_pod
from tests.support.pod_security import violations
from tests.support.programs import needs

DEPLOY = ROOT / "deploy/kubernetes"
KUBECTL = Path(sys.prefix) / "bin" / "kubectl"  # of the extra `test`: the system's may be too old
FOLDERS = ["base", "overlays/demo", "overlays/production"]
VERSIONS = [f"1.{minor}" for minor in range(28, 38)]
CUSTOM = {"ServiceMonitor", "PrometheusRule"}
MADE_UP = {"alli_api_key": "simulated-key"}

pytestmark = pytest.mark.timeout(300)  # starts of the command, one after the other

Resources = dict[str, dict[str, Any]]


def parsed(text: str) -> list[Any]:
    """Return the documents of a YAML text."""
    return list(YAML(typ="safe").load_all(text))


@pytest.fixture(scope="module")
def rendered() -> Callable[[str], Resources]:
    """Provide what kubectl makes of a folder, by kind; each folder is rendered once."""
    known: dict[str, Resources] = {}

    def render(folder: str) -> Resources:
        if folder not in known:
            ran = subprocess.run([KUBECTL, "kustomize", DEPLOY / folder], capture_output=True, text=True, check=False)
            assert (ran.returncode, ran.stderr) == (0, "")  # a warning about what is deprecated would stand there
            documents = parsed(ran.stdout)
            known[folder] = {each["kind"]: each for each in documents}
            assert len(known[folder]) == len(documents)
        return copy.deepcopy(known[folder])

    return render


Render = Callable[[str], Resources]


def pod_of(resources: Resources) -> dict[str, Any]:
    """Return the spec of the pods of the Deployment."""
    spec: dict[str, Any] = resources["Deployment"]["spec"]["template"]["spec"]
    return spec


def main_container(resources: Resources) -> dict[str, Any]:
    """Return the container with the daemon."""
    (found,) = (each for each in pod_of(resources)["containers"] if each["name"] == "monitor")
    return dict(found)


def put_volumes(resources: Resources, directory: Path) -> dict[str, Path]:
    """Make the directories behind the volumes of the pod: the configuration, a made-up secret, and room for data."""
    volumes = {name: directory / name for name in ("config", "secrets", "data")}
    assert {volume["name"] for volume in pod_of(resources)["volumes"]} == volumes.keys()
    for path in volumes.values():
        path.mkdir()
    for name, text in resources["ConfigMap"]["data"].items():
        (volumes["config"] / name).write_text(text, encoding="utf-8")
    for name in secrets_of(resources):
        (volumes["secrets"] / name).write_text(MADE_UP.get(name, "http://127.0.0.1:9/made-up"), encoding="utf-8")
    return volumes


def secrets_of(resources: Resources) -> set[str]:
    """Return the secrets that the configuration reads."""
    return set(re.findall(r"/run/secrets/(\w+)", resources["ConfigMap"]["data"]["monitor.yml"]))


def image_environment() -> dict[str, str]:
    """Return what the image sets of our own variables."""
    return dict(re.findall(r"(ALLI_MONITOR_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_kubernetes_takes_every_object(rendered: Render, folder: str, version: str) -> None:
    """Every object is valid in ten versions of Kubernetes, and none has a field that they do not know."""
    checked = [each for each in rendered(folder).values() if each["kind"] not in CUSTOM]
    assert {"Deployment", "Service", "PersistentVolumeClaim", "ConfigMap", "NetworkPolicy", "ServiceAccount"} <= {
        each["kind"] for each in checked
    }
    for each in checked:
        assert kubernetes_validate.validate(each, version, strict=True) == version


def test_the_pod_that_restores_fits_in(rendered: Render) -> None:
    """The pod with which a backup is put back is valid and restricted, and has the volume of the daemon as its user."""
    (pod,) = parsed((DEPLOY / "restore.yaml").read_text(encoding="utf-8"))
    daemon = pod_of(rendered("base"))
    assert kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)
    assert violations(pod["spec"]) == []
    assert pod["spec"]["volumes"] == [volume for volume in daemon["volumes"] if volume["name"] == "data"]
    user = ("runAsUser", "runAsGroup", "fsGroup")
    assert [pod["spec"]["securityContext"][key] for key in user] == [daemon["securityContext"][key] for key in user]


def test_the_check_finds_what_is_wrong(rendered: Render) -> None:
    """A field that does not exist is refused: else the test above would prove nothing."""
    deployment = rendered("base")["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_pods_are_restricted(rendered: Render, folder: str) -> None:
    """The pods keep every control of the Pod Security Standards, and more: no token, nothing of the root writable."""
    resources = rendered(folder)
    pod = pod_of(resources)
    assert violations(pod) == []
    assert pod["automountServiceAccountToken"] is resources["ServiceAccount"]["automountServiceAccountToken"] is False
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in pod["containers"])
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) == (10001, 10001)
    enforced = [each["metadata"]["labels"] for kind, each in resources.items() if kind == "Namespace"]
    assert all(labels["pod-security.kubernetes.io/enforce"] == "restricted" for labels in enforced)


LOOSENINGS: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "Host Namespaces": lambda pod, _: pod.update(hostPID=True),
    "HostPath": lambda pod, _: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "Sysctls": lambda pod, _: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "Privileged": lambda _, container: container["securityContext"].update(privileged=True),
    "Privilege Escalation": lambda _, container: container["securityContext"].pop("allowPrivilegeEscalation"),
    "Capabilities": lambda _, container: container["securityContext"].pop("capabilities"),
    "Running as Non-root": lambda pod, _: pod["securityContext"].pop("runAsNonRoot"),
    "Running as Non-root user": lambda _, container: container["securityContext"].update(runAsUser=0),
    "Seccomp": lambda pod, _: pod["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "Host Ports": lambda _, container: container["ports"][0].update(hostPort=7464),
    "/proc Mount Type": lambda _, container: container["securityContext"].update(procMount="Unmasked"),
    "Host Probes": lambda _, container: container["livenessProbe"]["httpGet"].update(host="10.0.0.1"),
    "SELinux": lambda pod, _: pod["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
    "AppArmor": lambda pod, _: pod["securityContext"].update(appArmorProfile={"type": "Unconfined"}),
}


@pytest.mark.parametrize("control", LOOSENINGS)
def test_what_is_not_restricted_is_found(rendered: Render, control: str) -> None:
    """Each way to loosen the pod is found under its name."""
    pod = pod_of(rendered("base"))
    LOOSENINGS[control](pod, pod["containers"][0])
    assert any(control in each for each in violations(pod))


@pytest.mark.parametrize("folder", FOLDERS)
def test_one_daemon_has_the_database(rendered: Render, folder: str) -> None:
    """There is one replica, never two at a time, and no disruption budget, which one replica could not keep."""
    resources = rendered(folder)
    spec = resources["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert "PodDisruptionBudget" not in resources
    assert resources["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_objects_fit_together(rendered: Render, folder: str) -> None:
    """Selectors, names, ports, volumes and the image mean the same thing in every object."""
    resources = rendered(folder)
    pod, container = pod_of(resources), main_container(resources)
    labels = resources["Deployment"]["spec"]["template"]["metadata"]["labels"]
    (service_port,) = resources["Service"]["spec"]["ports"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert resources["Service"]["spec"]["selector"].items() <= labels.items()
    assert resources["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert resources["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert ports[service_port["targetPort"]] == service_port["port"] == 7464
    assert image_environment()["ALLI_MONITOR_WEB__LISTEN"] == "0.0.0.0:7464"
    assert volumes["config"]["configMap"]["name"] == resources["ConfigMap"]["metadata"]["name"]
    assert (
        volumes["data"]["persistentVolumeClaim"]["claimName"] == resources["PersistentVolumeClaim"]["metadata"]["name"]
    )
    assert pod["serviceAccountName"] == resources["ServiceAccount"]["metadata"]["name"]
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    assert len({each["image"] for each in pod["containers"]}) == 1
    assert container["image"].rpartition(":")[2] == __version__
    namespaces = {each["metadata"].get("namespace") for each in resources.values()} - {None}
    assert len(namespaces) == 1
    assert {each["metadata"]["name"] for kind, each in resources.items() if kind == "Namespace"} <= namespaces


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_secret_stands_in_the_repository(rendered: Render, folder: str) -> None:
    """There is no Secret; what the configuration reads are files of one that has to be made."""
    resources = rendered(folder)
    secret = next(each["secret"] for each in pod_of(resources)["volumes"] if each["name"] == "secrets")
    assert "Secret" not in resources
    assert secret == {"secretName": "alli-monitor", "defaultMode": 0o440}
    assert {"alli_api_key", "web_token"} <= secrets_of(resources)
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    assert all(f"={name}" in page or f"secrets/{name}" in page for name in secrets_of(resources))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_configuration_loads(rendered: Render, folder: str, tmp_path: Path) -> None:
    """The daemon's own loader takes the configuration, with the image's environment, without a warning."""
    settings = loaded(rendered(folder), tmp_path)
    assert settings.storage.url.startswith("sqlite:////data/")
    assert load_rules(settings).rules
    assert not settings.warnings


def loaded(resources: Resources, directory: Path) -> Settings:
    """Return the settings that a configuration makes where its secrets stand in a directory."""
    volumes = put_volumes(resources, directory)
    file = volumes["config"] / "monitor.yml"
    text = file.read_text(encoding="utf-8").replace("/run/secrets", str(volumes["secrets"]))
    file.write_text(text, encoding="utf-8")
    return load(file, image_environment())


def test_another_configuration_is_another_pod(tmp_path: Path) -> None:
    """The name of the ConfigMap follows its content, so that a changed configuration is rolled out."""
    shutil.copytree(DEPLOY / "base", tmp_path / "base")
    names = []
    for text in ("", "# changed\n"):
        with (tmp_path / "base/monitor.yml").open("a", encoding="utf-8") as file:
            file.write(text)
        ran = subprocess.run([KUBECTL, "kustomize", tmp_path / "base"], capture_output=True, text=True, check=True)
        names += [each["metadata"]["name"] for each in parsed(ran.stdout) if each["kind"] == "ConfigMap"]
    assert len(set(names)) == 2


def test_rules_are_those_of_prometheus(rendered: Render) -> None:
    """The PrometheusRule was made by generate.py, and has every group of the rule files as it is there."""
    assert TARGET.read_text(encoding="utf-8") == prometheus_rule(), "run deploy/kubernetes/generate.py"
    files = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
    groups = [group for file in files for group in parsed(file.read_text(encoding="utf-8"))[0]["groups"]]
    rule = rendered("overlays/production")["PrometheusRule"]
    assert rule["spec"] == {"groups": groups}
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"


def test_the_service_monitor_finds_the_service(rendered: Render) -> None:
    """Prometheus finds our Service by its labels, asks for the metrics at a port that it has, and names the job so."""
    resources = rendered("overlays/production")
    monitor = resources["ServiceMonitor"]
    (endpoint,) = monitor["spec"]["endpoints"]
    service = resources["Service"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() == {"selector", "endpoints"}  # whatever else: the resource has over forty keys
    assert endpoint.keys() == {"port", "path", "interval", "scrapeTimeout"}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert service["metadata"]["name"] == "alli-monitor"


def test_the_network_is_closed_but_for_what_is_needed(rendered: Render) -> None:
    """Only the port of the Service is let in, and DNS, HTTPS and Alertmanager out; no way leads everywhere."""
    policy = rendered("base")["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["from"] and rule["ports"] == [{"port": "http"}] for rule in policy["ingress"])
    assert all(rule["to"] for rule in policy["egress"])
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443, 9093}


def commands_of_the_page() -> list[list[str]]:
    """Return what docs/kubernetes.md runs in the daemon's container by our own command."""
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(r"exec deployment/alli-monitor -- (alli-monitor .*)", page)]


@pytest.mark.service
@needs("bwrap", package="bubblewrap")
async def test_the_demo_s_pod_runs(rendered: Render, tmp_path: Path) -> None:
    """
    The containers of the demo, as rendered, become ready, ask the simulated Alli, are backed up, and end in time.

    Arguments, user, mounts, read-only root, dropped capabilities, probes and their ports are those of the rendered
    Deployment, the commands run in it those of the page; the pod has a network of its own.
    """
    resources = rendered("overlays/demo")
    volumes = put_volumes(resources, tmp_path)
    seen = await run_pod(
        pod_of(resources),
        volumes=volumes,
        environ=image_environment(),
        directory=tmp_path,
        execute=commands_of_the_page(),
    )
    assert set(seen["probes"].values()) == {200}, seen
    assert (seen["code"], seen["console"]) == (0, 401), seen
    assert seen["seconds"] < pod_of(resources)["terminationGracePeriodSeconds"]
    values = {
        (sample.name, sample.labels.get("code")): sample.value
        for family in text_string_to_metric_families(seen["metrics"])
        for sample in family.samples
    }
    assert values[("alli_monitor_api_requests_total", "200")] > 0
    assert [code for code, _ in seen["executed"]] == [0, 0], seen["executed"]
    assert "healthy" in seen["executed"][0][1]
    assert {"monitor.db", "backup.db"} <= {file.name for file in volumes["data"].iterdir()}


@pytest.mark.service
@needs("bwrap", package="bubblewrap")
async def test_production_s_pod_is_ready_while_alli_is_away(rendered: Render, tmp_path: Path) -> None:
    """With no way to Alli the pod becomes ready and stays healthy all the same: a rollout does not wait for Alli."""
    resources = rendered("overlays/production")
    volumes = put_volumes(resources, tmp_path)
    seen = await run_pod(pod_of(resources), volumes=volumes, environ=image_environment(), directory=tmp_path)
    assert set(seen["probes"].values()) == {200}, seen
    assert seen["code"] == 0
    assert "poll fails" in "\n".join(seen["logs"]["monitor"])
