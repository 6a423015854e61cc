"""What stays on one side of a split: `dataset.groupBy`. Pure."""

import re

from tintype_api.errors import data_error, invalid_spec
from tintype_api.spec.dataset import GroupBy
from tintype_trainer.datasets.annotations import AnnotatedImage


class Grouping:
    """Names the group of each image: a value of its metadata or a part of its path, else the image itself."""

    def __init__(self, group_by: GroupBy | None, uri: str) -> None:
        """Read the option.

        Raises:
            UserError: exit 64 where the path is no regular expression.
        """
        self._group_by = group_by
        self._uri = uri
        self._found = False
        self._images = 0
        try:
            self._pattern = re.compile(group_by.path) if group_by and group_by.path else None
        except (re.error, OverflowError, RecursionError) as error:
            raise invalid_spec(f"dataset.groupBy.path: is no regular expression ({error}); correct it") from error

    def group_of(self, image: AnnotatedImage) -> str:
        """Return the group of an image.

        Raises:
            UserError: exit 65 where the metadata has no plain value.
        """
        if self._group_by is None:
            return image.name
        self._images += 1
        group = self._by_path(image) if self._pattern else self._by_metadata(image)
        if group is None:
            return image.name
        self._found = True
        return group

    def check(self) -> None:
        """Check, at the end, that the option said anything of the images that came.

        Raises:
            UserError: exit 65 where no image has the metadata, or no path matches.
        """
        if self._group_by is None or self._found or not self._images:
            return
        if self._pattern:
            raise data_error(
                f"dataset.groupBy.path: no image of {self._uri} matches '{self._pattern.pattern}'; correct it"
            )
        key = self._group_by.metadata
        raise data_error(f"dataset.groupBy.metadata: no image of {self._uri} has '{key}' in its metadata; correct it")

    def _by_path(self, image: AnnotatedImage) -> str | None:
        assert self._pattern is not None, "asked only where there is one"
        match = self._pattern.search(image.name)
        if match is None:
            return None
        return match[1] if self._pattern.groups else match[0]

    def _by_metadata(self, image: AnnotatedImage) -> str | None:
        assert self._group_by is not None, "asked only where there is one"
        assert self._group_by.metadata is not None, "it has exactly one of metadata and path"
        value = image.metadata.get(self._group_by.metadata)
        if value is None:
            return None
        if not isinstance(value, str | int | float):
            raise data_error(
                f"{self._uri}: {image.where}: the metadata '{self._group_by.metadata}' of {image.name} is no text or "
                "number, by which images could be grouped; correct it"
            )
        return str(value).encode(errors="backslashreplace").decode()  # JSON may hold halves of characters
