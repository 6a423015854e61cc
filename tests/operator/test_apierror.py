"""What the API server's refusals mean."""

import pytest

from tintype_operator.apierror import from_answer

GONE = {"reason": "NotFound", "message": 'jobs.batch "a-1" not found', "details": {"name": "a-1", "kind": "jobs"}}
EXISTS = {"reason": "AlreadyExists", "message": "it exists", "details": {"name": "a-1"}}
INVALID = {
    "reason": "Invalid",
    "message": "it is invalid",
    "details": {"name": "a-1", "causes": [{"field": "spec.template"}, {"message": "no field"}]},
}


@pytest.mark.parametrize(
    ("code", "body", "not_found", "exists"),
    [
        pytest.param(404, GONE, True, False, id="object not there"),
        pytest.param(404, "404 page not found", False, False, id="API not served"),
        pytest.param(
            404, {"reason": "NotFound", "message": "no such resource", "details": {}}, False, False, id="no CRD"
        ),
        pytest.param(409, EXISTS, False, True, id="object there already"),
        pytest.param(
            409, {"reason": "Conflict", "message": "changed", "details": {"name": "a"}}, False, False, id="changed"
        ),
        pytest.param(502, "<html>Bad gateway</html>", False, False, id="a proxy speaks"),
    ],
)
def test_what_a_refusal_means(code: int, body: object, not_found: bool, exists: bool) -> None:
    error = from_answer(code, body)
    assert (error.code, error.not_found, error.exists) == (code, not_found, exists)
    assert error.message


def test_fields_that_are_named_as_causes() -> None:
    assert from_answer(422, INVALID).fields == ("spec.template",)


def test_an_operator_that_is_newer_than_the_crd_says_what_to_do() -> None:
    said = "failed to create typed patch object (team-a/bottles-1): .status.usage: field not declared in schema"
    assert str(from_answer(500, {"message": said})).endswith(
        "the CRD is older than this operator: upgrade it with the chart"
    )
