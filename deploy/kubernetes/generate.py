"""
Make the PrometheusRule of the Kubernetes component from the rule files of Prometheus.

Kustomize reads no file outside of its folder, so the rules stand there a second time: ``python
deploy/kubernetes/generate.py``. The tests compare.
"""

from __future__ import annotations

import textwrap
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

__all__ = ["TARGET", "prometheus_rule"]

_DEPLOY = Path(__file__).parents[1]
_RULES = _DEPLOY / "prometheus" / "rules"
TARGET = _DEPLOY / "kubernetes" / "components" / "prometheus-operator" / "prometheusrule.yaml"
"""The file that is written."""

_HEAD = """\
# Made by deploy/kubernetes/generate.py from deploy/prometheus/rules/*.yml: change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: alli-monitor
  labels:
    release: kube-prometheus-stack # what your Prometheus selects: its ruleSelector
spec:
  groups:
"""


def prometheus_rule() -> str:
    """Return the text of the custom resource: the groups of every rule file."""
    read, write, text = YAML(typ="safe"), YAML(), StringIO()
    write.width = 1000
    groups = [group for file in sorted(_RULES.glob("*.yml")) for group in read.load(file)["groups"]]
    write.dump(_literal(groups), text)
    return _HEAD + textwrap.indent(text.getvalue(), "  ")


def _literal(node: Any) -> Any:
    """Return the same with its lines kept as they are: kustomize adds to folded text that has some of them indented."""
    if isinstance(node, dict):
        return {key: _literal(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_literal(each) for each in node]
    return LiteralScalarString(node) if isinstance(node, str) and "\n" in node else node


if __name__ == "__main__":
    TARGET.write_text(prometheus_rule(), encoding="utf-8")
