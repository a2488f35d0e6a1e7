"""Groups by code and by name: codes in capitals, words of the syntax as names, and no round trip through a text."""

from __future__ import annotations

import dataclasses
import time

import pytest
from fabricated_run import CODES, made_up
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.estimates.decline import decline
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.groups import LONGEST, group_text, members
from bayes_csc.panel.panel import Panel

OWN = dict(zip(CODES, ("E09000001", "MEX", "mex2", "Ab3", "all", "a=b", "x,y", "408"), strict=True))


@pytest.fixture(scope="module")
def run() -> Fit:
    """The hamlets under codes in upper, lower and mixed case, of which three are words or signs of the syntax."""
    panel = Panel.read(PANELS / "hamlets")
    authorities = panel.authorities.rename(index=OWN)
    authorities.loc["Ab3", "name"], authorities.loc["408", "name"] = "Good", "Elm, Parish of"
    inspections = panel.inspections.assign(authority=panel.inspections["authority"].replace(OWN))
    fit = made_up(dataclasses.replace(panel, authorities=authorities, inspections=inspections))
    return dataclasses.replace(fit, change=fit.change.assign_coords(authority=list(OWN.values())))


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("E09000001", ["E09000001"]),
        ("e09000001, MEX", ["E09000001", "MEX"]),
        ("mex", ["MEX"]),
        ("MEX2,ab3", ["mex2", "Ab3"]),
        ('"all"', ["all"]),
        ('"a=b", "x,y", MEX', ["a=b", "x,y", "MEX"]),
        ('"Good"', ["Ab3"]),
        ("elm, parish of, MEX", ["408", "MEX"]),
        ('"Elm, Parish of"', ["408"]),
        (["all", "a=b", "x,y", "Good", "MEX", "MEX"], ["all", "a=b", "x,y", "Ab3", "MEX"]),
    ],
)
def test_codes_and_names_are_found_however_they_are_written(run: Fit, group: str | list[str], codes: list[str]) -> None:
    assert members(run, group) == codes
    assert members(run, group_text(group)) == codes


def test_every_code_of_a_list_is_taken_as_it_is(run: Fit) -> None:
    assert sorted(decline(run, list(OWN.values()))["authority"]) == sorted(OWN.values())


def test_a_text_that_two_authorities_share_is_refused_with_both(run: Fit) -> None:
    one = run.change.assign_coords(authority=["A1", "a1", *list(OWN.values())[2:]])
    table = run.panel.authorities.rename(index={"E09000001": "A1", "MEX": "a1"})
    both = dataclasses.replace(run, change=one, panel=dataclasses.replace(run.panel, authorities=table))
    assert members(both, "a1, A1") == ["a1", "A1"]
    table.loc[["A1", "a1"], "name"] = "Twin"
    with pytest.raises(UsageError, match=r"'twin' may be any of A1 \(Twin\), a1 \(Twin\); write the code"):
        members(both, "twin")


def test_a_message_lists_ten_of_many(run: Fit) -> None:
    with pytest.raises(UsageError, match=r"'n0', .*'n9' and 20 more; the groups are all") as caught:
        members(run, ",".join(f"n{n}" for n in range(30)))
    assert "quotation marks" in str(caught.value)


@pytest.mark.parametrize(
    "group",
    [" " * 200_000, "any = good" + " " * 200_000 + "or", "a," * (LONGEST // 2), '"' * LONGEST, "=" * LONGEST,
     " " * (LONGEST - 3) + "a=b", '"a,""' * (LONGEST // 5), " or " * (LONGEST // 4) + "="],
)  # fmt: skip
def test_a_long_group_is_answered_or_refused_at_once(run: Fit, group: str) -> None:
    started = time.process_time()
    with pytest.raises(UsageError) as caught:
        members(run, group)
    assert time.process_time() - started < 1
    assert len(str(caught.value)) < 3000
