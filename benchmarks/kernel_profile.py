"""Where the kernel's time goes, by the functions of its source.

    python benchmarks/kernel_profile.py

Compiles the kernel anew, with debug information, in a cache of its own; takes samples of the processor's clock by
`perf` while it evaluates the embedded England panel under the baseline spec; and looks up by `addr2line` to which
function each sampled instruction belongs. Needs both programs; writes kernel_profile.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bayes_csc.likelihood.layout import layout_of

HERE = Path(__file__).resolve().parent
RATE = 2000
"""Samples a second."""
SECTION = ".ltext"
"""Of the object file that has LLVM's code."""
LEAST = 0.005
"""Share of the samples below which a function is not listed by itself."""


def main() -> None:
    """Profile in a process whose compiler keeps debug information, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=HERE / "kernel_profile.md")
    options = parser.parse_args()
    if os.environ.get("NUMBA_DEBUGINFO") != "1":
        with tempfile.TemporaryDirectory() as folder:
            known = os.environ | {"NUMBA_DEBUGINFO": "1", "NUMBA_CACHE_DIR": folder}
            sys.exit(subprocess.run([sys.executable, *sys.argv], env=known, check=False).returncode)
    text = profile(options.seconds)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def profile(seconds: float) -> str:
    """Sample the kernel and lay the shares out as Markdown."""
    from kernel import plausible, processor

    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.likelihood.kernel import value_and_gradient
    from bayes_csc.likelihood.kernel.compile_ahead import types_of
    from bayes_csc.measurement.design import design
    from bayes_csc.panel.panel import Panel
    from bayes_csc.spec import Spec

    d = design(Panel.read(data_dir()), Spec())
    layout, real = layout_of(d), plausible(d)
    machine = value_and_gradient.machine
    machine.compile(types_of(layout)[0])
    (result,) = machine.overloads.values()
    with tempfile.TemporaryDirectory() as folder:
        record, code = Path(folder, "perf.data"), Path(folder, "kernel.o")
        code.write_bytes(result.library._get_compiled_object())
        base = result.library.get_pointer_to_function(result.fndesc.mangled_name) - offset_of(
            result.fndesc.mangled_name, code
        )
        sampler = subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(RATE), "-p", str(os.getpid()), "-o", str(record)]
        )
        began, calls = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            value_and_gradient(layout, real)
            calls += 1
        sampler.send_signal(signal.SIGINT)
        sampler.wait()
        samples = sampled(record)
        inside = {at - base: n for at, n in samples.items() if 0 <= at - base < code.stat().st_size}
        functions = by_function(inside, code)
    return table(functions, samples.total(), f"{calls:,} evaluations. {processor()}")


def offset_of(name: str, code: Path) -> int:
    """Where a function begins in the object's text."""
    symbols = subprocess.run(["nm", code], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[0], 16) for line in symbols.splitlines() if line.split()[-1] == name)


def sampled(record: Path) -> Counter[int]:
    """Samples by address."""
    command = ["perf", "script", "-i", record, "-F", "ip"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return Counter(int(at, 16) for at in found if re.fullmatch("[0-9a-f]+", at))


def by_function(inside: dict[int, int], code: Path) -> Counter[tuple[str, str]]:
    """Samples by module and function."""
    listed = "\n".join(f"{at:#x}" for at in inside)
    command = ["addr2line", "-f", "-a", "-e", code, "-j", SECTION]
    lines = subprocess.run(command, input=listed, check=True, capture_output=True, text=True).stdout.splitlines()
    out: Counter[tuple[str, str]] = Counter()
    for at, name in zip(lines[::3], lines[1::3], strict=True):
        out[named(name)] += inside[int(at, 16)]
    return out


def named(mangled: str) -> tuple[str, str]:
    """Module and function of a mangled name: `_ZN`, then each part with its length before it."""
    parts, rest = list[str](), mangled.removeprefix("_ZN")
    while found := re.match(r"\d+", rest):
        end = found.end() + int(found[0])
        parts.append(rest[found.end() : end])
        rest = rest[end:]
    package = parts.index("kernel") if "kernel" in parts[:-1] else -1
    return "".join(parts[package + 1 : -1][:1]) or "kernel", parts[-1] if parts else mangled


def table(functions: Counter[tuple[str, str]], samples: int, about: str) -> str:
    """Lay the shares out as Markdown, by module and by function, smallest functions left out."""
    modules: Counter[str] = Counter()
    for (module, _), n in functions.items():
        modules[module] += n
    modules["outside its code: Python's call, clearing of memory, logarithms"] = samples - functions.total()
    return "\n".join(
        [
            "# Where the kernel's time goes",
            "",
            f"`value_and_gradient` on the embedded England panel, spec baseline, one thread; {samples:,} samples of "
            f"the processor's clock over {about}. Compiled with debug information, a little slower than without. "
            "An instruction counts for the function that it belongs to, not for those that call it; "
            "arithmetic of `lanes` and `access` for the function that uses it.",
            "",
            *shares(("module",), {(module,): n for module, n in modules.items()}, samples, 0.0),
            "",
            f"By function, those of {LEAST:.1%} or more:",
            "",
            *shares(("module", "function"), functions, samples, LEAST),
            "",
        ]
    )


def shares(names: tuple[str, ...], counts: Mapping[tuple[str, ...], int], samples: int, least: float) -> list[str]:
    """Rows of a table, the largest first."""
    kept = sorted((n, key) for key, n in counts.items() if n >= least * samples)[::-1]
    head = [f"| {' | '.join(names)} | of the time |", "|---" * len(names) + "|---|"]
    return head + [f"| {' | '.join(key)} | {n / samples:.1%} |" for n, key in kept]


if __name__ == "__main__":
    main()
