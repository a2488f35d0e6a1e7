"""Factors of the latent states' prior covariance: templates whose columns are independent unit innovations.

The part of theta that is an authority's own is E c, E a template (years by columns) and c independent normals, one
per column: a level, a slope and the innovations of a stochastic path. A successor authority takes the columns of its
predecessors, population-weighted, up to the reorganisation and its own innovations after it, plus a shift of level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVEL, SLOPE, PATH, SUCCESSION = 0, 1, 2, 3
COLUMN_KINDS = ("level", "slope", "path", "succession")


@dataclass(frozen=True)
class Succession:
    """An authority's predecessors within its block, their weights and the reorganisation's grid position."""

    predecessors: tuple[int, ...]
    weights: tuple[float, ...]
    position: float


@dataclass(frozen=True)
class Template:
    """Covariance factor of one block at unit scales: rows are states (authority-major), columns innovations."""

    matrix: np.ndarray
    column_kind: np.ndarray


def path_basis(kind: str, n_year: int, window: np.ndarray, autocorrelation: float) -> np.ndarray:
    """Response of a stochastic path at each grid point to each of its innovations, centred over `window`.

    Parameters
    ----------
    kind
        "random walk": B[t, j] = 1{t > j}; "AR(1)": B[t, j] = autocorrelation ** (t - j) for t >= j, started from its
        stationary law; "local linear": B[t, j] = max(t - j, 0); "straight line": no column.
    n_year
        Number of grid points.
    window
        Grid points (positions 0..n_year - 1) over which the path is centred; later ones append uncentred increments.
    autocorrelation
        Of the AR(1), 0 to 1.

    Returns
    -------
    numpy.ndarray
        (n_year, columns); column j responds to the innovation between grid points j and j + 1 (AR(1): at j).
    """
    t = np.arange(n_year)
    if kind == "straight line":
        return np.zeros((n_year, 0))
    if kind == "AR(1)":
        lag = t[:, None] - t[None, :]
        basis = np.where(lag >= 0, autocorrelation ** np.maximum(lag, 0), 0.0)
        basis[:, 0] /= np.sqrt(1.0 - autocorrelation**2)
        return basis
    lag = t[:, None] - t[None, :-1]
    basis = np.maximum(lag, 0.0) if kind == "local linear" else (lag > 0).astype(float)
    return np.asarray(basis - basis[window].mean(axis=0))


def own_template(basis: np.ndarray, window: np.ndarray) -> Template:
    """Template of a single authority, each kind of column scaled to unit average variance over the window."""
    n_year = basis.shape[0]
    t = np.arange(n_year) - window.mean()
    slope = t / np.sqrt(np.mean(t[window] ** 2))
    path = basis / np.sqrt(np.mean((basis[window] ** 2).sum(axis=1))) if basis.shape[1] else basis
    matrix = np.column_stack([np.ones(n_year), slope, path])
    kinds = np.array([LEVEL, SLOPE] + [PATH] * basis.shape[1])
    return Template(matrix, kinds)


def block_template(own: Template, successions: list[Succession | None], first_year: int) -> Template:
    """Template of linked authorities; entry i of `successions` is None where authority i has no predecessor.

    Parameters
    ----------
    own
        Template of a single authority.
    successions
        One entry per authority, predecessors given by their index in the list.
    first_year
        Label of the first grid point.
    """
    n_year, n_own = own.matrix.shape
    n = len(successions)
    shares = np.zeros((n, n_own, n, n_own + 1))  # shares[a, c, p, d]: coefficient of column c of a on source d of p
    # A path's innovation j first shows at grid point j + 1; an AR(1) has one more, the first at grid point 0.
    n_path = int((own.column_kind == PATH).sum())
    innovation_year = first_year + n_year - n_path + np.arange(n_path)
    done: set[int] = set()
    while len(done) < n:
        ready = [i for i, s in enumerate(successions) if i not in done and (s is None or set(s.predecessors) <= done)]
        if not ready:
            raise ValueError("authorities succeed each other in a circle")
        for i in ready:
            _fill(shares, i, successions[i], own.column_kind, innovation_year)
            done.add(i)
    rows = np.einsum("tc,acpd->atpd", own.matrix, shares[..., :n_own])
    rows = np.concatenate([rows, np.zeros((n, n_year, n, 1))], axis=-1)
    for i, s in enumerate(successions):
        if s is not None:
            rows[i, ..., n_own] += shares[i, LEVEL, :, n_own][None, :]
    matrix = rows.reshape(n * n_year, n * (n_own + 1))
    kinds = np.tile(np.append(own.column_kind, SUCCESSION), n)
    used = np.abs(matrix).sum(axis=0) > 0
    return Template(matrix[:, used], kinds[used])


def _fill(shares: np.ndarray, i: int, s: Succession | None, kinds: np.ndarray, innovation_year: np.ndarray) -> None:
    n_own = kinds.size
    if s is None:
        shares[i, np.arange(n_own), i, np.arange(n_own)] = 1.0
        return
    for p, w in zip(s.predecessors, s.weights, strict=True):
        shares[i] += w * shares[p]
    later = np.flatnonzero(kinds == PATH)[innovation_year > s.position]
    shares[i, later] = 0.0
    shares[i, later, i, later] = 1.0
    shares[i, LEVEL, i, n_own] = 1.0
