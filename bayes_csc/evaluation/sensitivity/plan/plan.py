"""The plan of a sensitivity analysis: which variants of an analysis to run, read from TOML and checked."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from bayes_csc.errors import SpecError
from bayes_csc.files.spelling import excerpt, nearest
from bayes_csc.spec import settings

Depth = Literal["auto", "reweight", "preview", "full"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rule(_Part):
    """When an answer counts as staying on its side; declared before anything is computed."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    """The side of it on which P(decline) lies is the answer."""
    errors: float = Field(default=2.0, ge=0)
    """Monte Carlo standard errors by which a variant must be on one side to count."""
    least: float = Field(default=0.8, gt=0, le=1)
    """Share of an authority's variants that must have passed their gate for its verdict."""


class LeaveOut(_Part):
    """Variants that leave out each of something in turn."""

    indicators: bool = False
    domains: bool = False
    years: bool = False
    regions: bool = False


class Scales(_Part):
    """Priors whose scale is multiplied, one at a time."""

    priors: tuple[str, ...] = ()
    """Keys of a spec such as "pooling.region_sd"; each must be a number."""
    factors: tuple[PositiveFloat, ...] = (0.5, 2.0)


class PanelChange(_Part):
    """What a variant changes of the data."""

    drop_years: tuple[int, ...] = ()
    """Reporting years whose figures count as not available; the grid, and so now, stays."""
    drop_regions: tuple[str, ...] = ()
    smallest_population: int = Field(default=0, ge=0)
    """Authorities with fewer children are left out, with those that they succeed or are succeeded by."""
    drop_joint_returns: bool = False
    neighbour_groups: int = Field(default=0, ge=0)
    """So many groups of statistical neighbours take the place of the regions."""
    tails: float | None = Field(default=None, ge=1)
    """Degrees of freedom of white noise with the tails of Student's t, approximately (`outlying`)."""


class Question(_Part):
    """What a variant changes of the question; its fit is the base's own."""

    epsilon: float | None = Field(default=None, ge=0)
    anchor: Literal["publication"] | datetime.date | None = None
    """Since when: the last inspection's report, or a day, in place of the last inspection's start."""
    next_in_years: float | None = Field(default=None, gt=0, le=6)
    """When the next inspection starts, in place of a date as uncertain as it is."""


class Entry(_Part):
    """One variant as a plan declares it.

    Attributes
    ----------
    name, choice
        What it is called, uniquely; the choice that it is an answer to, by which variants are summed up.
    spec
        What differs from the base's spec, nested.
    panel, question
        What differs of the data and of the question.
    depth
        "reweight" the base's draws, refit by "preview", refit in "full"; "auto" reweights where only priors differ and
        the weights are reliable, and refits by preview otherwise.
    seed
        Of its fit, in place of the one of all.
    optional
        Left out, and listed as such, where the panel does not have what it is about.
    """

    name: str = Field(min_length=1)
    choice: str = Field(min_length=1)
    spec: dict[str, Any] = {}
    panel: PanelChange = PanelChange()
    question: Question = Question()
    depth: Depth = "auto"
    seed: int | None = Field(default=None, ge=0)
    optional: bool = False


class Cross(_Part):
    """Variants that combine one from each list, by name, in every way."""

    of: tuple[tuple[str, ...], ...] = Field(min_length=2)


class Plan(_Part):
    """A declared multiverse."""

    name: str = Field(default="plan", max_length=200)
    rule: Rule = Rule()
    leave_out: LeaveOut = LeaveOut()
    scales: Scales = Scales()
    variant: tuple[Entry, ...] = ()
    cross: tuple[Cross, ...] = ()

    @classmethod
    def parse(cls, values: dict[str, Any], *, where: str = "plan") -> Plan:
        """Validate nested values.

        Raises
        ------
        SpecError
            Naming every unknown key and wrong type at once.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SpecError("\n".join(_problems(error, values, where))) from None

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a TOML plan.

        Raises
        ------
        SpecError
            There is none, it is not TOML, or it has unknown keys or wrong types: all of them.
        """
        values = settings(Path(path), "no such plan; give a TOML file, or leave it out for the default plan")
        return cls.parse(values, where=str(path))


def _problems(error: ValidationError, values: dict[str, Any], where: str) -> list[str]:
    out = []
    for item in error.errors(include_url=False):
        key = ".".join(_named(item["loc"], values))
        if item["type"] == "extra_forbidden":
            out.append(f"{where}: unknown key {key!r}{nearest(str(item['loc'][-1]), _keys())}")
        else:
            out.append(f"{where}: {key}: {item['msg']}, found {excerpt(item['input'])}")
    return out


def _named(loc: tuple[int | str, ...], values: Any) -> Iterator[str]:
    """Parts of a key, a variant by its name instead of its number."""
    for part in loc:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            values = None
        named = isinstance(part, int) and isinstance(values, dict) and isinstance(values.get("name"), str)
        yield values["name"] if named else str(part)


def _keys() -> set[str]:
    parts = (Plan, Rule, LeaveOut, Scales, PanelChange, Question, Entry, Cross)
    return {key for part in parts for key in part.model_fields}
