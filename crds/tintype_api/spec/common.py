"""Types that several parts of the spec share."""

from typing import Annotated, Final

from pydantic import Field

URI_PATTERN: Final = r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?|file:///[^?#]*)$"

Uri = Annotated[str, Field(pattern=URI_PATTERN, max_length=1024)]
ConceptName = Annotated[str, Field(min_length=1, max_length=128)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Probability = Annotated[float, Field(ge=0, le=1)]
