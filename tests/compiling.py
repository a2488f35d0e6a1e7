"""What every process of the suite would compile for itself, compiled once before it; run while the types are checked.

Nothing depends on it: where it was not run, or what it made is gone, the tests compile.
"""

from __future__ import annotations

from pathlib import Path

from bayes_csc.density import compile_density
from bayes_csc.design import design
from bayes_csc.kernel.beside import compiled_beside
from bayes_csc.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design


def main() -> None:
    """Compile the kernel and, meanwhile, the baseline model of the panel that most tests fit."""
    laid_out = design(Panel.read(Path(__file__).parent / "hamlets"), Spec())
    with compiled_beside(laid_out.layout):
        compile_density(from_design(laid_out, Spec())).load()


if __name__ == "__main__":
    main()
