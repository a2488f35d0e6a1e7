"""Where the data that come with the toolkit are, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from bayes_csc.errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


def data_dir(name: str = "england") -> Path:
    """Return the folder of an embedded panel: the checkout's `data/`, else the wheel's `bayes_csc/_share/data/`.

    Parameters
    ----------
    name
        The panel's folder name.

    Raises
    ------
    UsageError
        No panel of that name is embedded.

    Examples
    --------
    >>> data_dir("england").name
    'england'
    """
    root = _root()
    known = sorted(path.parent.name for path in root.glob("*/indicators.toml"))
    if name not in known:
        raise UsageError(f"no embedded panel is called {name!r}; embedded: {', '.join(known) or 'none'}")
    return root / name


def hexagon_file() -> Path:
    """Return the file of the shipped map's layout: a hexagon for each authority (`sources.hexagons`).

    Raises
    ------
    UsageError
        It is not there.
    """
    path = _root() / "hexagons.csv"
    if not path.is_file():
        raise UsageError(f"{path}: the layout of the map is missing; install bayescsc again")
    return path


def backtest_files() -> list[Path]:
    """Records of the backtests of embedded panels: `backtests/NAME.json` beside the panels' folders."""
    return sorted((_root() / "backtests").glob("*.json"))


def _root() -> Path:
    # Without the look at pyproject.toml, a stray `data` folder in site-packages would be taken for ours.
    in_checkout = (_PACKAGE.parent / "pyproject.toml").is_file()
    return _PACKAGE.parent / "data" if in_checkout else _PACKAGE / "_share" / "data"
