"""Data set and weights in the demo's S3 server, and what was published there."""

from collections.abc import Iterator, Mapping

import boto3
from examples.pv_cells.prepare import LICENCE_NOTE, prepare

from demo.console import Console
from tintype_api.spec.run import Storage
from tintype_api.status import Artifacts
from tintype_trainer.output.publishing import verify_manifest
from tintype_trainer.storage import ObjectInfo, Store

DATASETS = "datasets"
MODELS = "models"
DATA_URI = f"s3://{DATASETS}/pv-cells"


class Bucket:
    """The demo's S3 server.

    Args:
        environment: Endpoint, region and keys under AWS's names.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        storage = Storage(endpoint=environment["AWS_ENDPOINT_URL"], region=environment["AWS_REGION"])
        self._store = Store.from_settings(storage)

    def fill(self, console: Console) -> None:
        """Make the buckets and put data set and weights in."""
        client = boto3.client(
            "s3",
            endpoint_url=self._environment["AWS_ENDPOINT_URL"],
            region_name=self._environment["AWS_REGION"],
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
        )
        for name in (DATASETS, MODELS):
            client.create_bucket(Bucket=name)
        prepared = prepare(DATA_URI, self._store, lambda done, total: console.live(f"  photographs {done}/{total}"))
        console.say(f"  {prepared.photographs} photographs, the data set file and the weights are in {DATA_URI}.")
        console.say(f"  {LICENCE_NOTE}")

    def files(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield what lies below a prefix, by name."""
        yield from sorted(self._store.list(uri), key=lambda found: found.uri)

    def verify(self, uri: str) -> Artifacts:
        """Read every file that manifest.json names, and compare size and sha256.

        Raises:
            UserError: A file is missing or differs.
        """
        return verify_manifest(uri, self._store)
