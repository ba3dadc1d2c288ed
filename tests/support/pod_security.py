"""
The Pod Security Standards at the level "restricted", which includes "baseline", for the pods that we make.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ lists the controls; each line here names one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["violations"]

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_APPARMOR = {"RuntimeDefault", "Localhost"}
_SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(pod: Mapping[str, Any]) -> list[str]:
    """Return which controls the spec of a pod does not keep, with where."""
    found = list(_of_pod(pod))
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod.get(kind, ()):
            found += [f"{container['name']}: {each}" for each in _of_container(container, pod)]
    return found


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    context = pod.get("securityContext", {})
    for namespace in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(namespace):
            yield f"Host Namespaces: {namespace}"
    for volume in pod.get("volumes", ()):
        if not volume.keys() - {"name"} <= _VOLUMES:
            yield f"Volume Types, HostPath Volumes: {volume['name']}"
    for sysctl in context.get("sysctls", ()):
        if sysctl["name"] not in _SYSCTLS:
            yield f"Sysctls: {sysctl['name']}"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "HostProcess"
    yield from _of_modules(context)


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    context = {**pod.get("securityContext", {}), **own}
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "Privileged Containers"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "Privilege Escalation"
    if "ALL" not in capabilities.get("drop", ()) or set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "Capabilities"
    if context.get("runAsNonRoot") is not True:
        yield "Running as Non-root"
    if context.get("runAsUser") == 0:
        yield "Running as Non-root user"
    if context.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield "Seccomp"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "Host Ports"
    if own.get("procMount", "Default") != "Default":
        yield "/proc Mount Type"
    if any("host" in probe.get("httpGet", {}) or "host" in probe.get("tcpSocket", {}) for probe in _probes(container)):
        yield "Host Probes / Lifecycle Hooks"
    yield from _of_modules(own)


def _of_modules(context: Mapping[str, Any]) -> Iterator[str]:
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in _SELINUX or selinux.get("user") or selinux.get("role"):
        yield "SELinux"
    if context.get("appArmorProfile", {"type": "RuntimeDefault"}).get("type") not in _APPARMOR:
        yield "AppArmor"


def _probes(container: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    hooks = list(container.get("lifecycle", {}).values())
    return [
        container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe") if name in container
    ] + hooks
