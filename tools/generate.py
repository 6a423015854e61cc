"""Writes the generated manifests anew."""

from pathlib import Path

from tintype_api.crd import as_yaml, custom_resource_definition
from tintype_api.policy import status_policy, status_policy_binding

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "crds", ROOT / "helm" / "tintype" / "files")


def main() -> None:
    """Write the CRD and the status policy, and the chart's copies of them: a chart reads no file outside of itself."""
    for folder in FOLDERS:
        (folder / "modelversions.tintype.dev.yaml").write_text(as_yaml([custom_resource_definition()]))
        (folder / "status-policy.tintype.dev.yaml").write_text(as_yaml([status_policy(), status_policy_binding()]))


if __name__ == "__main__":
    main()
