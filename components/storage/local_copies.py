"""Remote files that are read again and again: copied once, for all processes of a machine."""

from __future__ import annotations

import hashlib
import os

from components.storage import files, temporaries

COPIES = "copies"


def local_copy(path: str) -> str:
    """A local path of what lies at a path, to read only.

    Args:
        path: A file or a folder. A local one is returned as it is; of a remote one there is one copy for each state
            that it was in (names, sizes, times and hashes of its files as the store tells them, its marker among them).
            Copies have a limit: those go that were used longest ago (`components.storage.temporaries.make_room`).

    Raises:
        FileNotFoundError: If there is nothing.
        InputError: If there is no room for a copy.
    """
    if not files.is_remote(path):
        return path
    found = files.tree(path)
    place = os.path.join(temporaries.folder(COPIES), _state(path, found))
    if not os.path.isdir(place):
        for name in (COPIES, temporaries.WORKING):
            temporaries.forget(name)
        temporaries.make_room(COPIES, sum(told.get("size") or 0 for told in found.values()))
        with temporaries.temporary_folder() as temporary:
            files.download(path, temporary)
            try:
                os.rename(temporary, place)
            except OSError:
                if not os.path.isdir(place):  # else another process was faster
                    raise
    os.utime(place)
    return os.path.join(place, path.rstrip("/").rpartition("/")[2])


def _state(url, found):
    """A hash of where files are and of what the store tells of them."""
    files_in_it = [(name, sorted(told.items())) for name, told in found.items()]
    return hashlib.sha256(repr((url.rstrip("/"), files_in_it)).encode()).hexdigest()[:32]
