"""The chart's `library.page`, from the setting through the Jobs of two versions to the page in the bucket."""

from collections.abc import Iterator

import pytest
from demo.install import put_release, release_values

from support.platform import MODELS, Platform

SHORT = {"training": {"epochs": None, "iterations": 4}, "compute": {"cpu": "400m"}}
OUTPUT = {"uri": f"s3://{MODELS}/kept"}
PAGE = "kept/default/index.html"
NAMES = ("kept-1", "kept-2")


@pytest.fixture(scope="module")
def kept(platform: Platform) -> Iterator[None]:
    """The operator with the setting, then without it again."""
    values = release_values(platform.cluster.environment, platform.images)
    put_release(platform.tools, "upgrade", platform.chart, {**values, "library": {"page": "Namespace"}})
    yield
    put_release(platform.tools, "upgrade", platform.chart, values)


@pytest.mark.usefixtures("kept")
def test_two_versions_that_train_at_the_same_time_are_both_on_the_page(platform: Platform) -> None:
    for name in NAMES:
        platform.apply(name, {**SHORT, "output": OUTPUT})
    for name in NAMES:
        ended = platform.ended(name)
        assert ended["phase"] == "Succeeded", ended
        assert "notListed" not in ended["artifacts"]
    answer = platform.s3.get_object(Bucket=MODELS, Key=PAGE)
    page = answer["Body"].read().decode()
    assert answer["ContentType"] == "text/html"
    for name in NAMES:
        assert f"<bdi>{name}</bdi>" in page
        assert f'href="./{name}/runs/' in page
    assert "2 versions" in page


@pytest.mark.usefixtures("kept")
def test_a_page_that_cannot_be_written_is_told_and_fails_no_version(platform: Platform) -> None:
    platform.s3.put_object(Bucket=MODELS, Key="others/default/index.html", Body=b"<h1>Our website</h1>")
    platform.apply("kept-3", {**SHORT, "output": {"uri": f"s3://{MODELS}/others"}})
    ended = platform.ended("kept-3")
    assert ended["phase"] == "Succeeded", ended
    assert ended["artifacts"]["notListed"] == (
        "the page of the library was not written anew and may lack this version: "
        f"s3://{MODELS}/others/default/index.html is another's page, and is left as it is; "
        "move it, or choose another library.page"
    )
    assert platform.s3.get_object(Bucket=MODELS, Key="others/default/index.html")["Body"].read().startswith(b"<h1>Our")
