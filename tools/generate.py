"""Writes the generated manifests anew."""

from pathlib import Path

from tintype_api.crd import as_yaml, custom_resource_definition
from tintype_api.policy import status_policy, status_policy_binding

CRDS = Path(__file__).parents[1] / "crds"


def main() -> None:
    """Write the CRD and the status policy."""
    (CRDS / "modelversions.tintype.dev.yaml").write_text(as_yaml([custom_resource_definition()]))
    (CRDS / "status-policy.tintype.dev.yaml").write_text(as_yaml([status_policy(), status_policy_binding()]))


if __name__ == "__main__":
    main()
