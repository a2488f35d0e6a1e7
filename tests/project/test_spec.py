"""Specs: read, checked, inherited, written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.errors import SpecError
from bayes_csc.spec import Spec


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_given_is_the_baseline(tmp_path: Path) -> None:
    assert Spec.read(write(tmp_path, "s.toml", "")) == Spec()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loading": {}}, "spec: unknown key 'loading'; the keys are in baseline.toml"),
        ({"trend": {"knid": "AR(1)"}}, r"spec: unknown key 'trend\.knid'"),
        ({"trend": {"kind": "spline"}}, r"trend\.kind: .*random walk.*found 'spline'"),
        ({"pooling": {"region_sd": -1.0}}, r"pooling\.region_sd: Input should be greater than 0, found -1\.0"),
        ({"pooling": {"region_sd": float("inf")}}, r"pooling\.region_sd: .*finite"),
        ({"measurement": {"white_share": [0.0, 2.0]}}, r"measurement\.white_share\.0: .*greater than 0, found 0\.0"),
        ({"trend": {"autocorrelation": 1.0}}, r"trend\.autocorrelation: .*less than 1"),
        ({"trend": {"share_concentration": [1.0, 2.0]}}, r"trend\.share_concentration"),
        ({"counts": {"threshold": 10.0}}, r"spec: unknown key 'counts\.threshold'"),
        ({"counts": {"confidence_sd": [0.5, -1.0, 0.0]}}, r"counts\.confidence_sd\.1: .*greater than or equal to 0"),
        ({"ratings": {"use": "perhaps"}}, r"ratings\.use: .*found 'perhaps'"),
        ({"indicators": ["a", "b"], "drop": ["b"]}, "indicators both named and dropped: b"),
    ],
)
def test_an_unknown_key_or_an_impossible_prior_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Spec.parse(values)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SpecError) as error:
        Spec.parse({"x": 1, "loadings": {"agreed_sd": 0}, "trend": {"y": 2}})
    assert len(str(error.value).splitlines()) == 3


def test_a_spec_lists_only_what_differs_from_its_base_and_bases_may_have_bases(tmp_path: Path) -> None:
    write(tmp_path, "a.toml", 'name = "a"\n[trend]\nkind = "AR(1)"\nautocorrelation = 0.5\n')
    write(tmp_path, "b.toml", 'base = "a.toml"\nname = "b"\n[trend]\nautocorrelation = 0.6\n')
    c = Spec.read(write(tmp_path, "c.toml", 'base = "b.toml"\n[pooling]\nregion = false\n'))
    assert (c.name, c.trend.kind, c.trend.autocorrelation, c.pooling.region) == ("b", "AR(1)", 0.6, False)
    assert c.pooling.region_sd == Spec().pooling.region_sd


def test_a_base_is_a_file_beside_the_spec_or_the_name_of_a_shipped_one(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    write(shipped, "plain.toml", 'name = "plain"\n[ratings]\nuse = false\n')
    spec = Spec.read(write(tmp_path, "mine.toml", 'base = "plain"\n'), shipped=shipped)
    assert not spec.ratings.use


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "me.toml"', "its base leads back to itself"),
        ('base = "nowhere"', "no such spec"),
        ("base = 3", "base: expected a file or the name of a shipped spec, found 3"),
        ("[trend", "not valid TOML"),
    ],
)
def test_a_spec_that_cannot_be_read_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Spec.read(write(tmp_path, "me.toml", text))


def test_changes_overlay_a_spec_and_are_checked() -> None:
    spec = Spec().updated({"trend": {"kind": "straight line"}})
    assert spec.trend.kind == "straight line"
    assert spec.updated({"trend": {"kind": "random walk"}}) == Spec()
    with pytest.raises(SpecError, match="options: unknown key 'trends'"):
        spec.updated({"trends": {}})


sds = st.floats(1e-3, 1e3)


@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="\x7f", min_codepoint=32), max_size=20),
    drop=st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    share=st.tuples(sds, sds, sds),
    level=sds,
    kind=st.sampled_from(["random walk", "AR(1)", "local linear", "straight line"]),
    use=st.booleans(),
    doubt=st.floats(0, 1e6),
)
def test_a_spec_comes_back_from_its_toml(
    name: str, drop: list[str], share: tuple[float, float, float], level: float, kind: str, use: bool, doubt: float
) -> None:
    spec = Spec.parse(
        {
            "name": name, "drop": drop, "trend": {"kind": kind, "share_concentration": share},
            "measurement": {"level_sd": level}, "ratings": {"use": use}, "counts": {"confidence_sd": (doubt, 0.0, 0.0)},
        }
    )  # fmt: skip
    assert Spec.parse(tomllib.loads(spec.to_toml())) == spec
