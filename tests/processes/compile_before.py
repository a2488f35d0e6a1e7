"""What every process of the suite would compile for itself, compiled once before it; run while the types are checked.

Nothing depends on it: where it was not run, or what it made is gone, the tests compile.
"""

from __future__ import annotations

from paths import PANELS

from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel.compile_ahead import compiled_beside
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design


def laid_out() -> Design:
    """The panel that most tests fit."""
    return design(Panel.read(PANELS / "hamlets"), Spec())


def main() -> None:
    """Compile the kernel and, meanwhile, the baseline model."""
    with compiled_beside(layout_of(laid_out())):
        compile_density(from_design(laid_out(), Spec()))


if __name__ == "__main__":
    main()
