"""The shipped specs: the baseline is the default, a variant is the baseline but for what it names."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from paths import ROOT

from bayes_csc.errors import SpecError
from bayes_csc.evaluation.studies.outcomes import OUTCOMES
from bayes_csc.spec import Spec
from bayes_csc_models.specs import FOLDER, shipped, spec

DIFFERS = {
    "no_domain_deviation": {"measurement": {"unshared": ("*",)}},
    "no_ratings": {"ratings": {"use": False}},
    "no_workforce": {"drop_domains": ("workforce",)},
    "ratings_only": {"measurement": {"use": False}},
    "timing": {"ratings": {"timing": True}},
    "two_dimensions": {
        "indicators": (
            "re_referral",
            "no_further_action",
            "assessment_within_45_days",
            "conference_within_15_days",
            "second_plan",
            "plan_over_2_years",
            "agency",
            "vacancy",
            "turnover",
            *OUTCOMES,
        ),
        "dimensions": {"outcomes": ("care_leavers", "placement", "health", "offending")},
    },
}


def test_the_shipped_baseline_is_the_default_spec() -> None:
    assert spec() == spec("baseline") == Spec()


def test_the_shipped_baseline_writes_every_key_of_the_spec_out() -> None:
    written = tomllib.loads((FOLDER / "baseline.toml").read_text(encoding="utf-8"))
    assert written == tomllib.loads(Spec().to_toml())


@pytest.mark.parametrize("name", DIFFERS)
def test_a_shipped_variant_is_the_baseline_but_for_what_its_name_says(name: str) -> None:
    assert spec(name) == Spec().updated({**DIFFERS[name], "name": name.replace("_", " ")})


def test_every_shipped_variant_is_among_those_tested() -> None:
    assert shipped() == ("baseline", *DIFFERS)


def test_a_users_spec_may_start_from_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "no_ratings"\ntrend.kind = "AR(1)"\n', encoding="utf-8")
    assert spec(path) == spec("no_ratings").updated({"trend": {"kind": "AR(1)"}})


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    with pytest.raises(SpecError, match=r"no_rating: no such spec.* one of baseline, no_domain_deviation"):
        spec("no_rating")


TRAIL = sorted((ROOT / "benchmarks" / "trail").glob("*.toml"))


@pytest.mark.parametrize("path", TRAIL, ids=[path.stem for path in TRAIL])
def test_a_spec_of_the_trail_differs_from_the_baseline_in_one_thing(path: Path) -> None:
    tried, base = spec(path).model_dump(exclude={"name"}), spec().model_dump(exclude={"name"})
    keys = [key for key in base if tried[key] != base[key]]
    assert len(keys) == 1
    within = base[keys[0]]
    assert not isinstance(within, dict) or sum(tried[keys[0]][key] != value for key, value in within.items()) == 1
