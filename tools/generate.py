"""Writes the generated manifests, the dashboards, and the page of the chart's values, anew."""

import sys
from pathlib import Path

from values_page import values_page

sys.path.insert(0, str(Path(__file__).parents[1]))

from dashboards.writing import write

from tintype_api.crd import as_yaml, custom_resource_definition
from tintype_api.policy import status_policy, status_policy_binding
from tintype_trainer.evaluation.document import schema_json

ROOT = Path(__file__).parents[1]
EVALUATION_SCHEMA = ROOT / "trainer" / "evaluation.schema.json"
CHART = ROOT / "helm" / "tintype"
DASHBOARDS = CHART / "files" / "dashboards"
VALUES_PAGE = ROOT / "docs" / "install" / "values.md"
FOLDERS = (ROOT / "crds", CHART / "files")


def main() -> None:
    """Write the CRD and the status policy, and the chart's copies of them: a chart reads no file outside of itself."""
    for folder in FOLDERS:
        (folder / "modelversions.tintype.dev.yaml").write_text(as_yaml([custom_resource_definition()]))
        (folder / "status-policy.tintype.dev.yaml").write_text(as_yaml([status_policy(), status_policy_binding()]))
    write(DASHBOARDS)
    EVALUATION_SCHEMA.write_bytes(schema_json())
    VALUES_PAGE.write_text(values_page(CHART))


if __name__ == "__main__":
    main()
