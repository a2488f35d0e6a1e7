"""What the compiled kernel takes and gives back: the layout of the observations, and the real-valued arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The integer arrays (and fixed weights) of the kernel; ranges of observations, groups and blocks are half-open.

    A block is a set of authorities whose states depend on each other; most are one authority. Those that report
    alike, one value per indicator and year for the same instants, are taken eight at a time (`single_*`, and the
    slots of indicators and years that they share); the other blocks are taken one by one through their groups.

    Attributes
    ----------
    kind, graded
        Indicator index of each observation; running index of each that is a grade, -1 for the others.
    row, state, weight
        Interpolation weights: starts of each observation's (one more than items); state index within the block, weight.
    time
        Reporting year of each observation (only differences matter).
    group_obs, group_domain
        Starts of each group's observations; index of its domain deviation, -1 for none. A group is one reporting
        unit's series of an indicator, or of the indicators of one domain, or the judgements of one inspection.
    block, block_group
        The blocks taken one by one; first and last (exclusive) of the groups of each, (block, 2).
    block_state, block_template
        First state of every block (one more than blocks); index of its template.
    template_start, template_column, template, column_kind, column_start
        Start of each template in the flat `template` and its number of columns; the templates, at unit scales; the
        kind of each column, by which `Real.scale` is indexed, and the start of each template's columns.
    single_block
        (group, lane): block of each authority by itself, -1 for an empty lane.
    single_cell
        (group, slot, lane): its observation in a slot, -1 for none.
    single_grade
        (group, inspection, item, lane): its judgements; -1 for none.
    series_slot, series_kind, series_domain
        Starts of each series' slots, one for every year from its first to its last; its indicator; its domain or -1.
    slot_state, slot_weight, slot_year
        State before a slot's instant; (slot, 2) weights of that state and the next; year within the domain's path.
    domain_years
        Years of each domain's path.
    """

    kind: np.ndarray
    graded: np.ndarray
    row: np.ndarray
    state: np.ndarray
    weight: np.ndarray
    time: np.ndarray
    group_obs: np.ndarray
    group_domain: np.ndarray
    block: np.ndarray
    block_group: np.ndarray
    block_state: np.ndarray
    block_template: np.ndarray
    template_start: np.ndarray
    template_column: np.ndarray
    template: np.ndarray
    column_kind: np.ndarray
    column_start: np.ndarray
    single_block: np.ndarray
    single_cell: np.ndarray
    single_grade: np.ndarray
    series_slot: np.ndarray
    series_kind: np.ndarray
    series_domain: np.ndarray
    slot_state: np.ndarray
    slot_weight: np.ndarray
    slot_year: np.ndarray
    domain_years: np.ndarray


class Real(NamedTuple):
    """The real-valued arguments of the collapsed likelihood, or its gradient by each.

    Attributes
    ----------
    z, variance, offset
        Observations, their sampling variances, and what they would be at theta = 0.
    loading
        Per kind of observation: the indicators, then what is graded.
    mean
        Prior mean of every state, authority-major.
    scale
        Standard deviation of each kind of template column.
    ar_sd, ar_phi, white_sd, domain_sd
        Per kind: its own AR(1) deviation, white noise, and its part of the domain's deviation, which may be negative;
        of a judgement, of its inspection's own effect.
    domain_phi, domain_white
        Autocorrelation of each domain's deviation, and the share of its variance that is white noise.
    low, high
        Cutpoints below and above the score of each grade that is integrated out.
    """

    z: np.ndarray
    variance: np.ndarray
    offset: np.ndarray
    loading: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    ar_sd: np.ndarray
    ar_phi: np.ndarray
    white_sd: np.ndarray
    domain_sd: np.ndarray
    domain_phi: np.ndarray
    domain_white: np.ndarray
    low: np.ndarray
    high: np.ndarray
