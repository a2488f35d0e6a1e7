"""Log density of each block by itself, without a gradient: what leaving blocks out needs."""

from __future__ import annotations

import numpy as np

from bayes_csc.likelihood.kernel.compiled import compiled, stage
from bayes_csc.likelihood.kernel.linked import collapse_block, lay_out, memory_size
from bayes_csc.likelihood.kernel.posterior import collapse_group, group_size, group_space
from bayes_csc.likelihood.kernel.simd.memory import put
from bayes_csc.likelihood.kernel.simd.vector import WIDTH


@compiled
def block_densities(layout, real):
    """Log density of every block (block,): they sum to that of `value_and_gradient`.

    Zero for a block that the layout leaves out; NaN where a covariance is not positive definite.
    """
    out = np.zeros(layout.block_template.size)
    if layout.single_block.shape[0] > 0:
        singles(layout, real, np.empty(group_size(layout)), out)
    if layout.block.size > 0:
        size = memory_size(layout, real)
        several(layout, real, np.empty(size), np.empty(size, np.int64), out)
    return out


@stage
def several(layout, real, buffer, lists, out):
    """Fill the densities of the blocks taken one by one."""
    memory = lay_out(layout, real, buffer, lists)
    for index in range(layout.block.size):
        out[layout.block[index]] = collapse_block(index, layout, real, memory)


@stage
def singles(layout, real, buffer, out):
    """Fill the densities of the authorities by themselves."""
    factor, memory, _ = group_space(layout, real, buffer)
    for group in range(layout.single_block.shape[0]):
        density = collapse_group(group, layout, real, factor, memory)
        put(memory.line, (0, 0), density)
        for lane in range(WIDTH):
            if layout.single_block[group, lane] >= 0:
                out[layout.single_block[group, lane]] = memory.line[0, 0, lane]
