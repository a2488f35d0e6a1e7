"""Time the likelihood's kernel, and compare it with what the processor can do.

    python benchmarks/kernel.py

Times the embedded England panel under the baseline spec on one thread, counts the floating-point operations of one
evaluation from the lengths of its loops, measures the processor's peak, and writes kernel.md beside this file.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import njit

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.kernel.simd.memory import first_aligned, get, put, view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

HERE = Path(__file__).resolve().parent
CHAINS = 16
"""Sums that the peak's loop keeps at a time: enough to hide the latency of an operation."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--out", type=Path, default=HERE / "kernel.md")
    options = parser.parse_args()
    d = design(Panel.read(data_dir()), Spec())
    text = report(d, options.repeats)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def plausible(d: Design) -> Real:
    """Return values of the size that a fit finds."""
    rng, kinds, rows = np.random.default_rng(1), len(d.indicator) + 1, d.observation
    grade = rows.grade[rows.indicator == JUDGEMENT].to_numpy()
    return Real(
        z=rows.z.to_numpy(), variance=rows.variance.to_numpy(), offset=rows.z.to_numpy() + rng.normal(size=len(rows)),
        loading=rng.normal(0.0, 0.3, kinds), mean=np.zeros(d.exists.size), scale=np.array([0.75, 0.15, 0.65, 0.5]),
        ar_sd=rng.uniform(0.2, 0.8, kinds), ar_phi=rng.uniform(0.7, 0.9, kinds), white_sd=rng.uniform(0.05, 0.3, kinds),
        domain_sd=rng.uniform(0.2, 0.6, kinds), domain_phi=np.full(len(d.domain), 0.8),
        domain_white=np.full(len(d.domain), 0.1),
        low=np.where(grade == 4, -np.inf, 2.0 - grade), high=np.where(grade == 1, np.inf, 3.0 - grade),
    )  # fmt: skip


def best(call: Callable[[], Any], repeats: int) -> float:
    """Seconds of the quickest call."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


@njit(nogil=True)
def chain(buffer: Any, count: int) -> None:
    """Multiply and add in sixteen vectors of eight numbers, `count` times each."""
    a = view(buffer, first_aligned(buffer), (CHAINS, WIDTH))
    s0, s1, s2, s3 = get(a, 0), get(a, 1), get(a, 2), get(a, 3)
    s4, s5, s6, s7 = get(a, 4), get(a, 5), get(a, 6), get(a, 7)
    s8, s9, t0, t1 = get(a, 8), get(a, 9), get(a, 10), get(a, 11)
    t2, t3, t4, t5 = get(a, 12), get(a, 13), get(a, 14), get(a, 15)
    x, y = get(a, 0) + 0.5, get(a, 1) + 0.25
    for _ in range(count):
        s0, s1, s2, s3 = fma(s0, x, y), fma(s1, x, y), fma(s2, x, y), fma(s3, x, y)
        s4, s5, s6, s7 = fma(s4, x, y), fma(s5, x, y), fma(s6, x, y), fma(s7, x, y)
        s8, s9, t0, t1 = fma(s8, x, y), fma(s9, x, y), fma(t0, x, y), fma(t1, x, y)
        t2, t3, t4, t5 = fma(t2, x, y), fma(t3, x, y), fma(t4, x, y), fma(t5, x, y)
    put(a, 0, s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + t0 + t1 + t2 + t3 + t4 + t5)


def peak(repeats: int) -> float:
    """Floating-point operations a second of the processor's vectors, an fma counted as two."""
    buffer, count = np.zeros((CHAINS + 1) * WIDTH), 20000
    return 2.0 * CHAINS * WIDTH * count / best(lambda: chain(buffer, count), repeats)


def single_flops(layout: Layout) -> float:
    """Operations on authorities side by side, empty lanes and missing values among them (`formula`)."""
    groups, grades = layout.single_block.shape[0], layout.single_grade.shape[1]
    columns = int(layout.template_column[0])
    states = int(layout.template_start[1]) // columns
    out = 0.0
    for s, domain in enumerate(layout.series_domain):
        n = int(layout.series_slot[s + 1] - layout.series_slot[s])
        out += 80 * n + (16 if domain < 0 else 40) * n * n / 2
    for n in layout.domain_years:
        out += n**3 + 4 * n * n * states + 2 * n * states**2 + 2 * n * states**2 + n * n * states
    out += 2 * states**2 * columns + columns**2 * states + 2 * columns**3 / 3 + 2 * states * columns**2
    out += grades * (4 * states**2 + 2 * columns * states + 2 * states * states)
    return groups * WIDTH * float(out)


def linked_flops(layout: Layout) -> float:
    """Operations on blocks taken one by one (`formula`)."""
    out = 0.0
    for i, b in enumerate(layout.block):
        columns = int(layout.template_column[layout.block_template[b]])
        states = int(layout.block_state[b + 1] - layout.block_state[b])
        out += 2 * columns**3 + 4 * states * columns * 15
        for g in range(*layout.block_group[i]):
            first, last = int(layout.group_obs[g]), int(layout.group_obs[g + 1])
            if layout.graded[first] < 0:
                n, e = last - first, slice(layout.row[first], layout.row[last])
                m = int(layout.state[e].max() - layout.state[e].min() + 1)
                out += 2 * n**3 + 2 * n * m * m + n * n * m + 4 * n * n
    return float(out)


def report(d: Design, repeats: int) -> str:
    """Lay the measurements out as Markdown."""
    layout, real, nothing = layout_of(d), plausible(d), np.zeros(0, np.int64)
    alone = layout._replace(block=nothing, block_group=np.zeros((0, 2), np.int64))
    rest = layout._replace(single_block=np.zeros((0, WIDTH), np.int64))
    ungraded = alone._replace(single_grade=layout.single_grade[:, :0].copy())
    whole, single, linked, plain = (
        best(lambda part=part: value_and_gradient(part, real), repeats) for part in (layout, alone, rest, ungraded)
    )
    top, flops = peak(20), (single_flops(layout), linked_flops(layout))
    rows = [
        ("all", whole, sum(flops)),
        ("authorities side by side", single, flops[0]),
        ("of these, their grades", single - plain, None),
        ("blocks one by one", linked, flops[1]),
    ]
    cells = [
        f"| {name} | {1e3 * seconds:.2f} | {f'{n / 1e6:.1f}' if n else ''} "
        f"| {f'{n / seconds / top:.0%}' if n else ''} |"
        for name, seconds, n in rows
    ]
    return "\n".join(
        [
            "# The kernel",
            "",
            f"`value_and_gradient` on the embedded England panel, spec baseline, one thread, quickest of {repeats}. "
            f"{processor()}; Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}, "
            f"llvmlite {llvmlite.__version__}. Peak of a loop of multiply-adds in registers of eight numbers, in the "
            f"same run: {top / 1e9:.0f} Gflop/s.",
            "",
            "| part | ms | Mflop | of the peak |",
            "|---|---|---|---|",
            *cells,
            "",
            "Operations are estimated from the lengths of the loops, an fma as two, a division as one (the factors 80, "
            "8, 20 and 60 are rough counts of the loops' bodies): for each group of eight authorities, with n "
            "years of a series or path, s states, c columns and g grades, a series takes "
            "80 n + 8 n² (20 n² in a domain), a path n³ + 5 n² s + 4 n s², the states 2 s² c + c² s + 2 c³ / 3 + "
            "2 s c², the grades g (6 s² + 2 c s) without their fitting; a block of its own takes 2 c³ + 60 s c, and "
            "2 n³ + 2 n m² + n² m + 4 n² for n observations of m states.",
            "",
            "What keeps it from the peak, by the shares of the time in `kernel_profile.md` and by the code: a quarter "
            "goes to blocks one by one (`dense`, `linked`, `linked_gradient`), number by number on matrices of few "
            "rows; an eighth to fitting grades (`grades`), in divisions, roots and exponentials that are not counted "
            "as operations here; a tenth to Python's call and to clearing arrays for each evaluation. In the rest an "
            "operation of the recurrences over the years needs the one before, and a division among them takes many "
            "times an fma; products of matrices of about fourteen rows read one or two vectors from memory for each "
            "multiply-add; series are collected from and distributed to the observations' own order number by "
            "number; some lanes are empty or have no value.",
            "",
            "One evaluation on two cores was tried, half of the authorities on each: handing a millisecond of work to "
            "another thread and waiting for it costs what it saves, so that cores take chains, never parts of an "
            "evaluation, and a single chain uses one.",
            "",
        ]
    )


def processor() -> str:
    """Name of the processor, as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
