"""Recording rules and alerts by Prometheus' own promtool: each is tested, and each alert has a runbook."""

from pathlib import Path

import pytest
import yaml

from support.dashboards import FILES, RULES, rules
from support.prometheus import PROMTOOL, run

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "monitoring"
ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDS = [rule for rule in rules() if "record" in rule]


def test_promtool_finds_nothing() -> None:
    assert f"{len(ALERTS) + len(RECORDS)} rules found" in run(PROMTOOL, "check", "rules", "--lint-fatal", str(RULES))


@pytest.mark.parametrize("name", ["alerts", "records"])
def test_the_rules_do_what_they_say(name: str) -> None:
    assert "SUCCESS" in run(PROMTOOL, "test", "rules", str(TESTS / f"{name}.yaml"))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_is_tested_and_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    name = rule["alert"]
    tests = [
        one for test in yaml.safe_load((TESTS / "alerts.yaml").read_text())["tests"] for one in test["alert_rule_test"]
    ]
    own = [one for one in tests if one["alertname"] == name]
    assert any(one["exp_alerts"] for one in own), "it fires"
    assert any(not one["exp_alerts"] for one in own), "it is quiet"
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text()
    assert page.startswith(f"# {name}\n")
    for part in ("## What it means", "## How to look", "## What to do"):
        assert part in page


@pytest.mark.parametrize("rule", RECORDS, ids=lambda rule: rule["record"])
def test_each_recording_rule_is_tested(rule: dict[str, str]) -> None:
    tests = yaml.safe_load((TESTS / "records.yaml").read_text())["tests"]
    asked = [one["expr"] for test in tests for one in test["promql_expr_test"] if one["exp_samples"]]
    assert rule["record"] in asked


def test_there_is_no_runbook_without_an_alert() -> None:
    named = {Path(rule["annotations"]["runbook_url"]).name for rule in ALERTS}
    assert {path.name for path in (ROOT / "docs" / "runbooks").iterdir()} == named
    assert (FILES / "monitoring").is_dir()
