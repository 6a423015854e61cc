"""Pictures that are the same on both sides of a split. Pure."""

from tintype_api.status import Duplicates
from tintype_trainer.datasets.dataset import Split, Staged
from tintype_trainer.sentences import NAMED


def duplicates(staged: Staged) -> Duplicates | None:
    """Return how many pictures stand, by their decoded pixels, in more than one split, and the first of them."""
    first: dict[str, tuple[str, Split]] = {}
    shared: dict[str, str] = {}
    for each in staged.examples:
        name, split = each.example.id, each.example.split
        there, other = first.setdefault(each.pixels_sha256, (name, split))
        if other is not split:
            shared.setdefault(each.pixels_sha256, f"{there} ({other}) and {name} ({split})")
    if not shared:
        return None
    return Duplicates(count=len(shared), examples=tuple(list(shared.values())[:NAMED]))
