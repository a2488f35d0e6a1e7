"""The kernel compiled in a process of its own: for the types that a fit has, and never a fit's problem."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from layouts import panel_design
from numba import typeof

from bayes_csc.kernel import Real, beside, value_and_gradient
from bayes_csc.kernel.states import states
