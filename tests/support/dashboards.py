"""The dashboards' files, and the questions that they and the rules ask of Prometheus."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

FILES = Path(__file__).parents[2] / "helm" / "tintype" / "files"
FOLDER = FILES / "dashboards"
RULES = FILES / "monitoring" / "rules.yaml"


def boards() -> dict[str, dict[str, Any]]:
    """Return each dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard, without its rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(panel: dict[str, Any]) -> list[str]:
    """Return the queries of a panel."""
    return [target["expr"] for target in panel["targets"]]


def rules() -> list[dict[str, Any]]:
    """Return all rules."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def filled(expr: str, interval: str) -> str:
    """Return a query as Grafana asks it with everything chosen."""
    return re.sub(r"\$(namespace|modelversion)", ".*", expr.replace("$__rate_interval", interval))
