"""Files that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bayes_csc.files.disk import disk_errors, to_disk


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> list[Path]:
    """Write files into a folder, which is made where it is missing; each is whole or as it was before.

    All are on disk under other names before the first takes its place. Texts are UTF-8 and keep their ends of lines.

    Parameters
    ----------
    folder
        The folder.
    contents
        Text or bytes of each file, by name.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    StorageError
        The disk is full, read-only or broken.
    """
    parts = {folder / f".{name}.part": folder / name for name in contents}
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for part, content in zip(parts, contents.values(), strict=True):
                part.write_bytes(content.encode() if isinstance(content, str) else content)
                to_disk(part)
            for part, path in parts.items():
                part.replace(path)
            to_disk(folder)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
    return list(parts.values())
