"""The kernel's layout of a design: which observations go together, and which authorities go side by side."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from bayes_csc.likelihood.kernel.arrays import Layout
from bayes_csc.likelihood.kernel.simd.vector import WIDTH
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.state_prior import Template

OWN = 0
"""Index of the template of an authority by itself."""


LAYOUTS: WeakKeyDictionary[Design, Layout] = WeakKeyDictionary()


def layout_of(design: Design) -> Layout:
    """Integer arrays of the kernel for a design's observations; computed once for each design."""
    if design not in LAYOUTS:
        LAYOUTS[design] = _laid_out(design)
    return LAYOUTS[design]


def _laid_out(design: Design) -> Layout:
    observation, blocks = design.observation, design.evaluated
    n_year, n_block = design.year.size, len(design.block)
    evaluated = np.ones(n_block, bool) if blocks is None else np.isin(np.arange(n_block), blocks)
    judged = (observation.kind >= design.first_graded).to_numpy()
    group, block = observation.group.to_numpy(), observation.block.to_numpy()
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    single = _alike(design, observation, judged)
    one_by_one = np.flatnonzero(evaluated & ~single)
    return Layout(
        kind=_integers(observation.kind),
        graded=_integers(np.where(judged, np.cumsum(judged) - 1, -1)),
        time=_integers(observation.year),
        group_obs=_integers([*starts, len(group)]),
        group_domain=_integers(observation.domain.to_numpy()[starts]),
        block=_integers(one_by_one),
        block_group=_integers([np.searchsorted(block[starts], [b, b + 1]) for b in one_by_one]).reshape(-1, 2),
        block_state=_starts([len(b) * n_year for b in design.block]),
        block_template=_integers(design.block_template),
        **_templates(design.template),
        **_weights(design, observation),
        **_side_by_side(design, observation, judged, np.flatnonzero(evaluated & single)),
    )


def observed_layout(design: Design) -> Layout:
    """The layout for the density of the observations, where the grid goes on after them.

    It is without the innovations of later years, on which that density does not depend, and authorities side by side
    are without the states of these, too.
    """
    n_year = design.year.size
    felt = int(np.floor(design.observation.position.max()) - design.year[0]) + 2  # years, that after the last included
    templates = [_kept(t, np.arange(len(t.matrix)) % n_year < felt) for t in design.template]
    own = templates[OWN]
    short = Template(own.matrix[:felt], own.column_kind)
    layout = layout_of(design)
    block_template = layout.block_template.copy()
    alone = layout.block  # those of one authority among them keep its states whole
    block_template[alone[block_template[alone] == OWN]] = len(templates)
    return layout._replace(block_template=block_template, **_templates([short, *templates[1:], own]))


def _kept(template: Template, there: np.ndarray) -> Template:
    """The template with the columns that some states respond to."""
    kept = template.matrix[there].any(axis=0)
    return Template(template.matrix[:, kept], template.column_kind[kept])


def _templates(templates: Sequence[Template]) -> dict[str, np.ndarray]:
    columns = [t.matrix.shape[1] for t in templates]
    return {
        "template_start": _starts([t.matrix.size for t in templates]),
        "template_column": _integers(columns),
        "template": np.concatenate([t.matrix.ravel() for t in templates]),
        "column_kind": _integers(np.concatenate([t.column_kind for t in templates])),
        "column_start": _starts(columns),
    }


def _integers(values: object) -> np.ndarray:
    return np.array(values, dtype=np.int64, order="C")


def _starts(sizes: list[int]) -> np.ndarray:
    return _integers(np.concatenate([[0], np.cumsum(sizes)]))


def _weights(design: Design, observation: pd.DataFrame) -> dict[str, np.ndarray]:
    """Interpolation and membership weights of each observation on the states of its block."""
    interpolation = design.weights(observation.position.to_numpy())
    place = np.zeros(len(design.authority), dtype=np.int64)  # of an authority within its block
    for block in design.block:
        place[list(block)] = np.arange(len(block))
    members = [len(m) for m in observation.members]
    item = np.repeat(np.arange(len(members)), members)
    member = np.fromiter((i for m in observation.members for i in m), np.int64, item.size)
    share = np.fromiter((s for m in observation.shares for s in m), float, item.size)
    parts = interpolation[item]
    at, state = np.nonzero(parts)
    return {
        "row": _starts(np.bincount(item[at], minlength=len(members)).tolist()),
        "state": _integers(place[member[at]] * design.year.size + state),
        "weight": share[at] * parts[at, state],
    }


def _alike(design: Design, observation: pd.DataFrame, judged: np.ndarray) -> np.ndarray:
    """Which blocks are one authority with at most one value per indicator and year, at the instant usual for it.

    And without ordinal indicators: the kernel takes the grades of authorities side by side for judgements.
    """
    out = np.array([len(b) == 1 for b in design.block]) & (_integers(design.block_template) == OWN)
    cells = observation[~judged]
    cells = cells[out[cells.block.to_numpy()]]
    usual = cells.groupby(["kind", "year"]).position.transform(lambda p: p.mode().iloc[0])
    odd = (cells.position != usual) | cells.duplicated(["block", "kind", "year"], keep=False)
    out[cells.block[odd].unique()] = False
    ordinal = judged & (observation.kind < design.first_graded + len(design.ordinal)).to_numpy()
    out[observation.block[ordinal].unique()] = False
    return np.asarray(out)


def _side_by_side(
    design: Design, observation: pd.DataFrame, judged: np.ndarray, blocks: np.ndarray
) -> dict[str, np.ndarray]:
    """Slots of indicators and years, and the observations that fill them, for authorities side by side."""
    n_group = -(-blocks.size // WIDTH)
    lane = np.full(n_group * WIDTH, -1)
    lane[: blocks.size] = blocks
    place = np.full(len(design.block), -1)
    place[blocks] = np.arange(blocks.size)
    number = np.arange(len(observation))
    mine = place[observation.block.to_numpy()] >= 0

    cells = observation[mine & ~judged].assign(number=number[mine & ~judged])
    span = cells.groupby("kind").year.agg(["min", "max"])
    lengths = (span["max"] - span["min"] + 1).to_numpy()
    kinds, start = span.index.to_numpy(), _starts(list(lengths))
    series_of = pd.Series(np.arange(kinds.size), index=kinds)
    domain = np.append(design.domain_index, -1)[kinds.astype(int)]
    first_year = np.array(
        [span["min"][domain == d].min() if (domain == d).any() else 0 for d in range(len(design.domain))]
    )
    last_year = np.array(
        [span["max"][domain == d].max() if (domain == d).any() else -1 for d in range(len(design.domain))]
    )

    slot_weight, slot_state = np.zeros((start[-1], 2)), np.zeros(start[-1], dtype=np.int64)
    slot_year = np.zeros(start[-1], dtype=np.int64)
    cell = np.full((n_group * WIDTH, start[-1]), -1)
    if len(cells):
        series = series_of[cells.kind].to_numpy()
        slot = start[series] + cells.year.to_numpy() - span["min"].to_numpy()[series]
        cell[place[cells.block.to_numpy()], slot] = cells.number
        some = pd.Series(cells.position.to_numpy()).groupby(slot).first()
        for at, w in zip(some.index, design.weights(some.to_numpy()), strict=True):
            low = int(np.flatnonzero(w)[0])
            slot_state[at] = low
            slot_weight[at, : w[low : low + 2].size] = w[low : low + 2]
        for s, d in enumerate(domain):
            if d >= 0:
                slot_year[start[s] : start[s + 1]] = span["min"].iloc[s] - first_year[d] + np.arange(lengths[s])
        for at in np.setdiff1d(np.arange(start[-1]), some.index):  # a year without any value: its weights stay zero
            slot_state[at] = slot_state[at - 1]

    grades = observation[mine & judged].assign(number=number[mine & judged])
    inspection = grades.groupby("block").group.rank(method="dense").to_numpy().astype(int) - 1
    item = grades.groupby("group").cumcount().to_numpy()
    grade = np.full((n_group * WIDTH, int(inspection.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1), -1)
    grade[place[grades.block.to_numpy()], inspection, item] = grades.number

    def by_group(table: np.ndarray) -> np.ndarray:
        return _integers(np.moveaxis(table.reshape(n_group, WIDTH, *table.shape[1:]), 1, -1))

    return {
        "single_block": _integers(lane.reshape(n_group, WIDTH)),
        "single_cell": by_group(cell),
        "single_grade": by_group(grade),
        "series_slot": start,
        "series_kind": _integers(kinds),
        "series_domain": _integers(domain),
        "slot_state": slot_state,
        "slot_weight": slot_weight,
        "slot_year": slot_year,
        "domain_years": _integers(last_year - first_year + 1),
    }
