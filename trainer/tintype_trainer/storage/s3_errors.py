"""Failures of S3 as sentences. Pure.

obstore raises few kinds of exceptions (listing only one); status and code of the server's answer stand in
their text, so they are read from there.
"""

import re
from typing import Final

from tintype_api.errors import UserError, access_denied, data_error, invalid_spec, not_found, storage_unreachable
from tintype_trainer.storage.types import MissingObject, StorageUnreachable

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_PASSING: Final = (408, 429)
"""Answers below 500 that another try may not get."""
_DENIED: Final = {
    "InvalidAccessKeyId": "the access key is unknown there",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the session token has expired",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
}


def no_credentials(uri: str, why: str | None) -> UserError:
    """Return the error for an environment whose configuration of AWS gives no credentials.

    Args:
        uri: What was asked for.
        why: What boto3 says is wrong with its configuration; None where there just are none.
    """
    wrong = f"boto3's configuration is wrong ({why.rstrip('.')})" if why else "there are no credentials for S3"
    return access_denied(
        f"{uri} cannot be reached: {wrong}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or storage.credentialsSecret in a cluster"
    )


def translate(error: Exception, uri: str, endpoint: str | None) -> UserError:
    """Return one sentence for what obstore raised.

    Args:
        error: The exception.
        uri: What was asked for.
        endpoint: The S3 server's URL; None for AWS.
    """
    text = str(error)
    status = int(found[1]) if (found := _STATUS.search(text)) else None
    code = found[1] if (found := _CODE.search(text)) else ""
    server = endpoint or "AWS"
    if isinstance(error, ValueError) and "path" in text:
        return data_error(f"{uri} is no key that can be read (an empty or dotted part in its path); rename the object")
    if status == 404 or isinstance(error, FileNotFoundError):
        return _missing(code, uri, server)
    if status in (401, 403) or code in _DENIED:
        why = _DENIED.get(code, "these credentials lack the right")
        return access_denied(f"{uri} is denied by {server}: {why}; correct them or their policy")
    if status == 412:
        return storage_unreachable(f"{uri} was written anew while it was read; leave it until the run has read it")
    if status == 301 or "redirect" in text.lower():
        return invalid_spec(f"{uri} lies in another region; set storage.region to the bucket's")
    return _unreachable(text, uri, server, status, code)


def _missing(code: str, uri: str, server: str) -> UserError:
    if code == "NoSuchBucket":
        bucket = uri.split("/")[2]
        return not_found(f"{uri} cannot be reached: {server} has no bucket '{bucket}'; correct the URI or create it")
    return MissingObject(f"{uri} does not exist at {server}; correct the URI")


def _unreachable(text: str, uri: str, server: str, status: int | None, code: str) -> UserError:
    if status is not None:
        said = f"{uri}: {server} answers with HTTP {status} {code}".rstrip() + "; ask who runs it"
        return StorageUnreachable(said) if status >= 500 or status in _PASSING else storage_unreachable(said)
    causes = {
        "dns error": "its name is not known",
        "Connection refused": "the connection is refused",
        "timed out": "it takes too long",
        "TimedOut": "it takes too long",
        "certificate": "its certificate is not trusted",
    }
    why = next((cause for mark, cause in causes.items() if mark in text), text.partition("\n")[0][-160:])
    return StorageUnreachable(f"{uri}: {server} does not answer ({why}); check storage.endpoint and the network")
