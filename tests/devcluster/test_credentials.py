import base64
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from devcluster import kubeconfig, pki, s3
from devcluster.plan import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = Plan(tmp_path, tmp_path, 3, True, 0, "access", "secret")
    kubeconfig.write_credentials(plan)
    return plan


def _certificate(plan: Plan, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((plan.state / "pki" / f"{name}.crt").read_bytes())


def test_the_api_server_is_known_by_each_name_that_is_used(plan: Plan) -> None:
    names = _certificate(plan, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.0.0.1", "10.0.0.1", "10.254.3.2"}
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("name", ["apiserver", "kubelet", "kubelet-client"])
def test_certificates_are_of_the_one_authority(plan: Plan, name: str) -> None:
    _certificate(plan, name).verify_directly_issued_by(_certificate(plan, "ca"))


def test_aggregated_apis_have_an_authority_of_their_own(plan: Plan) -> None:
    _certificate(plan, "front-proxy").verify_directly_issued_by(_certificate(plan, "front-proxy-ca"))
    assert _certificate(plan, "front-proxy-ca").subject != _certificate(plan, "ca").subject


@pytest.mark.parametrize(("name", "identity"), kubeconfig.USERS.items())
def test_a_kubeconfig_holds_its_user_and_verifies_the_server(
    plan: Plan, name: str, identity: tuple[str, str | None]
) -> None:
    config = json.loads((plan.state / f"{name}.kubeconfig").read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
    groups = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    common_name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert (common_name, groups[0].value if groups else None) == identity
    assert cluster["server"] == plan.server
    ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())


def test_private_keys_can_be_read_by_their_owner_only(plan: Plan) -> None:
    keys = [*plan.state.glob("pki/*.key"), *plan.state.glob("*.kubeconfig")]
    assert len(keys) > 5
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)


def test_the_service_account_key_is_in_the_form_that_the_api_server_reads() -> None:
    content = pki.private_pem(pki.new_key())
    assert content.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    load_pem_private_key(content, None)


def test_s3_knows_one_key_and_nobody_else() -> None:
    (identity,) = s3.identities("access", "secret")["identities"]
    assert identity["credentials"] == [{"accessKey": "access", "secretKey": "secret"}]
