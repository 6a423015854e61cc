"""Names of the objects that the operator makes."""

from tintype_operator.names import job_name, published_uri, role_binding_name


def test_names() -> None:
    assert job_name("bottles-1", 2) == "bottles-1-2"
    assert published_uri("s3://models/", "team-a", "bottles-1") == "s3://models/team-a/bottles-1/"


def test_role_bindings_of_long_names_differ_and_fit() -> None:
    assert role_binding_name("default") == "tintype-trainer-default"
    first, second = (role_binding_name("a" * 250 + end) for end in "xy")
    assert first != second
    assert len(first) == 253
