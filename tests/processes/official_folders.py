"""Small folders of files that stand for official ones, and the catalogue that names them."""

from __future__ import annotations

from pathlib import Path

from bayes_csc.sources.download.catalogue import Catalogue, Dataset
from bayes_csc.sources.download.official import RAW, Official


def filed(folder: Path, **files: str | bytes) -> Official:
    """Write `NAME.csv` below `raw/` for each file, and name it by its id, of a release "r"."""
    (folder / RAW).mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / RAW / f"{name}.csv").write_bytes(body if isinstance(body, bytes) else body.encode())
    said = dict.fromkeys(("title", "publisher", "licence", "page"), "x")
    datasets = {name: Dataset(id=name, source="r", path=f"{name}.csv", series=name, **said) for name in files}
    return Official(folder, Catalogue("", "", frozenset(), datasets))
