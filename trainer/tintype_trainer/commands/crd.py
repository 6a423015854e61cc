"""`tintype crd`: prints the manifests that make a cluster know ModelVersions."""

from tintype_api.constants import ExitCode
from tintype_api.crd import as_yaml, manifests


def crd() -> int:
    """Print the CustomResourceDefinition and the policy of its status as YAML, for `kubectl apply -f -`."""
    print(as_yaml(manifests()), end="")
    return ExitCode.OK
