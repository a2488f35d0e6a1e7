"""Layouts of the kernel made by hand: every block is taken one by one, with a template of its own."""

from __future__ import annotations

import numpy as np

from bayes_csc.likelihood.kernel import Layout


def by_hand(
    *, group_block: list[int], group_sizes: list[int], group_domain: list[int], kind: list[int], time: list[int],
    weights: list[tuple[tuple[int, float], ...]], graded: list[bool], block_states: list[int],
    templates: list[np.ndarray], column_kind: list[np.ndarray],
) -> Layout:  # fmt: skip
    """Return the layout of groups in block order; `weights` are (state of the block, weight) pairs by observation."""

    def integers(values: object) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    def starts(sizes: list[int]) -> np.ndarray:
        return integers(np.concatenate([[0], np.cumsum(sizes)]))

    n_block = len(block_states)
    flags = np.array(graded, dtype=bool)
    return Layout(
        kind=integers(kind),
        graded=integers(np.where(flags, np.cumsum(flags) - 1, -1)),
        row=starts([len(w) for w in weights]),
        state=integers([s for w in weights for s, _ in w]),
        weight=np.array([x for w in weights for _, x in w], dtype=float),
        time=integers(time),
        group_obs=starts(group_sizes),
        group_domain=integers(group_domain),
        block=np.arange(n_block),
        block_group=integers(np.searchsorted(group_block, [[b, b + 1] for b in range(n_block)])),
        block_state=starts(block_states),
        block_template=np.arange(n_block),
        template_start=starts([t.size for t in templates]),
        template_column=integers([t.shape[1] for t in templates]),
        template=np.concatenate([t.ravel() for t in templates]),
        column_kind=integers(np.concatenate(column_kind)),
        column_start=starts([t.shape[1] for t in templates]),
        single_block=np.zeros((0, 8), dtype=np.int64),
        single_cell=np.zeros((0, 0, 8), dtype=np.int64),
        single_grade=np.zeros((0, 0, 0, 8), dtype=np.int64),
        series_slot=integers([0]),
        series_kind=integers([]),
        series_domain=integers([]),
        slot_state=integers([]),
        slot_weight=np.zeros((0, 2)),
        slot_year=integers([]),
        domain_years=integers([]),
    )
