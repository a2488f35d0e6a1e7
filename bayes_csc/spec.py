"""The specification of one analysis: every choice and every prior, read from TOML, checked before anything runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, ValidationError, model_validator

from bayes_csc.errors import SpecError
from bayes_csc.files.spelling import excerpt
from bayes_csc.files.toml_text import excerpt_name, read_toml


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Trend(_Section):
    """How an authority's own part of theta moves: level, slope and a stochastic path share a unit variance."""

    kind: Literal["random walk", "AR(1)", "local linear", "straight line"] = "random walk"
    autocorrelation: float = Field(default=0.8, gt=0, lt=1)
    """Year-on-year autocorrelation of the path when `kind` is AR(1)."""
    share_concentration: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (2.0, 1.0, 2.0)
    """Dirichlet concentration of the variance shares (level, slope, path)."""
    succession_sd: PositiveFloat = 0.5
    """Extra standard deviation of a successor authority's level about its predecessors'."""


class Pooling(_Section):
    """What authorities share beyond England: region means and trends, the deprivation gradient."""

    region: bool = True
    deprivation: bool = True
    deprivation_score: str = ""
    """Covariate and year of the score, such as "imd-2015"; the covariate alone, such as "imd", for its path, linear
    between its years; empty for the score in the table of authorities."""
    deprivation_form: Literal["linear", "spline", "fifths"] = "linear"
    """How all that has a deprivation gradient follows the score: on a line; on a natural cubic spline of four knots; or
    by steps from one fifth of the authorities to the next."""
    region_sd: PositiveFloat = 0.3
    """Scale of the region means' common standard deviation, itself unknown: the means are multivariate t."""
    region_trend_sd: PositiveFloat = 0.2
    """The same of the region trends, per decade."""
    region_df: PositiveFloat = 4.0
    """Degrees of freedom: how firmly the scales are believed."""
    deprivation_sd: PositiveFloat = 0.5
    deprivation_trend_sd: PositiveFloat = 0.3


class Loadings(_Section):
    """Priors of the loadings: how strongly theta shows in each indicator, logits per sd of theta."""

    agreed: Literal["half-normal", "normal", "equal"] = "half-normal"
    agreed_sd: PositiveFloat = 0.5
    not_agreed: Literal["half-normal", "normal"] = "normal"
    not_agreed_sd: PositiveFloat = 0.3


class Measurement(_Section):
    """Whether indicators inform theta, and priors of their level, year effects, deprivation slope and deviations."""

    use: bool = True
    """False: judgements alone."""
    level_sd: PositiveFloat = 2.0
    year_sd: PositiveFloat = 0.3
    """Standard deviation of a national year effect's step; some 150 authorities a year leave it little to say."""
    deprivation_sd: PositiveFloat = 0.3
    deviation_sd: PositiveFloat = 0.7
    white_share: tuple[PositiveFloat, PositiveFloat] = (2.0, 2.0)
    """Beta parameters of the share of a deviation's variance that is white noise."""
    autocorrelation: tuple[PositiveFloat, PositiveFloat] = (8.0, 2.0)
    """Beta parameters of the year-on-year autocorrelation of the rest."""
    domain_share: tuple[PositiveFloat, PositiveFloat] = (2.0, 2.0)
    """Beta parameters of the share of a deviation's variance that a domain's indicators have in common: one for each,
    one for both where a domain has two. Where not all their polarities are agreed, of (1 + q) / 2, q the signed
    correlation of an indicator's deviation with its domain's."""
    unshared: tuple[str, ...] = ()
    """Domains whose indicators do not share a deviation; "*" for all."""
    across_domains: bool = True
    """Whether near-copies in different domains share a deviation of their own (`near_copies.deviation_groups`): the
    figures decide, so that a calibration leaves it out."""
    post_inspection_sd: PositiveFloat = 0.3
    """Normal sd of the effect of a judgement of the worst grade on the indicators that have one."""


class Ratings(_Section):
    """Whether inspection grades inform theta, and their priors."""

    use: bool = True
    judgements: Literal["sub-judgements", "overall"] = "sub-judgements"
    """Which judgements of an inspection: its sub-judgements, the overall grade only where it has none of those; or the
    overall grade alone."""
    lead_years: float = Field(default=0.0, ge=0, le=3)
    """How long before its start lies what an inspection judges: theta so many years earlier."""
    loading_sd: PositiveFloat = 1.0
    grade_concentration: PositiveFloat = 2.0
    """Dirichlet concentration of the grade shares that the first scale's cutpoints imply."""
    scale_shift_sd: PositiveFloat = 0.5
    scale_spread_sd: PositiveFloat = 0.3
    inspection_sd: PositiveFloat = 0.7
    """Half-normal scale of the sd of an inspection's own effect, probits, shared by its judgements."""
    standards_sd: PositiveFloat = 0.15
    """Scale of the national standard's yearly step, in probits; its standard deviation is unknown (multivariate t)."""
    standards_df: PositiveFloat = 4.0
    """Degrees of freedom: how firmly that scale is believed."""
    drift_sd: NonNegativeFloat = 0.1
    """Normal sd of the standard's drift, probits a year; 0: none. It is damped two years after the panel's date."""
    previous: Literal["none", "effect", "cutpoints"] = "cutpoints"
    """State dependence: no effect of the previous grade of the same domain; an effect of each grade on the score; or
    that and cutpoints with distances of their own after each grade."""
    previous_sd: PositiveFloat = 1.0
    """Normal sd of the previous grades' effects, which sum to zero, and of that of none before, probits."""
    previous_spacing_sd: PositiveFloat = 0.6
    """Normal sd of the log of the stretch of each distance between cutpoints after each previous grade."""
    earlier_sd: PositiveFloat = 0.5
    """Normal sd of the further effect of a previous grade of an earlier framework, probits."""
    covariates: tuple[str, ...] = ()
    """Indicators whose published figures act on the score directly: a key for the level, "KEY change" for the change
    over two years."""
    covariate_sd: PositiveFloat = 0.3
    """Normal sd of a covariate's effect, probits per sd of the covariate."""
    common: Literal["separate", "share"] = "share"
    """What the judgements of an inspection have in common: theta's loading and the inspection's effect, each with a
    prior of its own; or the sd of both together for each domain, and theta's share of that variance."""
    common_sd: PositiveFloat = 2.0
    """Half-normal scale of the sd of what they have in common, probits."""
    theta_share: tuple[PositiveFloat, PositiveFloat] = (4.0, 2.0)
    """Beta parameters of theta's share of that variance."""
    timing: bool = False
    """Whether it informs theta, too, in which years an authority was inspected: a probit of being inspected given the
    previous grade, the time since and theta (`measurement.judgements.inspection_timing`); with or without the grades
    themselves."""
    timing_loading_sd: PositiveFloat = 0.5
    """Normal sd of theta's loading in that probit, of either sign."""
    timing_sd: PositiveFloat = 1.0
    """Normal sd of its level and of the effect of each previous grade, time since and year, probits."""


class Counts(_Section):
    """What is known of a count besides the count."""

    suppressed: Literal["interval", "widest", "left out"] = "interval"
    """The interval that a suppressed count has under the releases' own rule; the widest, should it have been suppressed
    to protect another; or no suppressed count at all."""
    confidence_sd: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] = (0.5, 0.25, 0.0)
    """Standard deviation, on the logit scale, of the error that a cell has besides its sampling, where the release
    gives its confidence in the figure as low, middle or high. These are prior choices: no release says how large."""


class Dimensions(_Section):
    """Domains that are seen as outcomes, apart from all others, by the model of two dimensions; by no other model."""

    outcomes: tuple[str, ...] = ()


class Spec(_Section):
    """One analysis: `Spec()` is the baseline; a TOML file names what differs from its `base`."""

    name: str = Field(default="baseline", max_length=200)
    indicators: tuple[str, ...] = ()
    """Keys to use, in this order; empty means the panel's default ones."""
    drop: tuple[str, ...] = ()
    """Keys to leave out."""
    drop_domains: tuple[str, ...] = ()
    horizon: int = Field(default=0, ge=0, le=50)
    """Grid points after the data, for forecasts: they change nothing in what comes before."""
    trend: Trend = Trend()
    pooling: Pooling = Pooling()
    loadings: Loadings = Loadings()
    measurement: Measurement = Measurement()
    ratings: Ratings = Ratings()
    counts: Counts = Counts()
    dimensions: Dimensions = Dimensions()

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        if both := sorted(set(self.indicators) & set(self.drop)):
            raise ValueError(f"indicators both named and dropped: {', '.join(both)}")
        return self

    @classmethod
    def parse(cls, values: dict[str, Any], *, where: str = "spec") -> Spec:
        """Validate nested values.

        Raises
        ------
        SpecError
            Naming every unknown key, wrong type and impossible prior at once.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SpecError("\n".join(_problems(error, where))) from None

    @classmethod
    def read(cls, path: Path, *, shipped: Path | None = None) -> Spec:
        """Read a TOML spec; its `base`, a path beside it or the name of a shipped spec, is read first.

        Parameters
        ----------
        path
            The TOML file.
        shipped
            The folder of the specs that ship, for a `base` given by name.
        """
        return cls.parse(_merged(Path(path), shipped, ()), where=str(path))

    def updated(self, changes: dict[str, Any], *, where: str = "options") -> Spec:
        """Return this spec with nested `changes` laid over it."""
        return self.parse(_overlay(self.model_dump(), changes), where=where)

    def to_toml(self) -> str:
        """Return the whole spec as TOML; `Spec.read` of it gives an equal spec."""
        return tomli_w.dumps(self.model_dump(mode="json"))


def _problems(error: ValidationError, where: str) -> list[str]:
    out = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "the whole"
        if item["type"] == "extra_forbidden":
            out.append(f"{where}: unknown key {key!r}; the keys are in baseline.toml and `bayescsc model show`")
        else:
            out.append(f"{where}: {key}: {item['msg']}, found {excerpt(item['input'])}")
    return out


def _merged(path: Path, shipped: Path | None, seen: tuple[Path, ...]) -> dict[str, Any]:
    if len(seen) > 20 or path.resolve() in seen:
        raise SpecError(f"{path}: its base leads back to itself")
    values = settings(path, "no such spec; give a TOML file or the name of a shipped spec")
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise SpecError(f"{path}: base: expected a file or the name of a shipped spec, found {excerpt(base)}")
    beside = path.parent / base
    if not os.path.isfile(beside) and shipped is not None:
        beside = shipped / f"{base.removesuffix('.toml')}.toml"
    return _overlay(_merged(beside, shipped, (*seen, path.resolve())), values)


def settings(path: Path, absent: str) -> dict[str, Any]:
    """Values of a TOML file of settings.

    Parameters
    ----------
    path
        The file.
    absent
        What is said where there is none.

    Raises
    ------
    SpecError
        There is none, or it cannot be read.
    """
    if not os.path.lexists(path):
        raise SpecError(f"{path.parent / excerpt_name(path)}: {absent}")
    problems: list[str] = []
    values = read_toml(path, problems)
    if values is None:
        raise SpecError("\n".join(problems))
    return values


def _overlay(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = dict(under)
    for key, value in over.items():
        old = out.get(key)
        out[key] = _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out
