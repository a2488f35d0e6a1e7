"""Authorities through time, on small tables made for the purpose."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

from bayes_csc.panel.geography import codes_of, existence, existing, linked_blocks, predecessors


@pytest.fixture
def authorities() -> pd.DataFrame:
    """Old 909 became 942 and 943 on 1 April 2023; 314, 318 and 370 did not change."""
    table = pd.DataFrame(
        {
            "code": ["314", "318", "370", "909", "942", "943"],
            "predecessors": ["", "", "", "", "909", "909"],
            "predecessor_weights": ["", "", "", "", "1", "1"],
            "valid_from": pd.to_datetime([None, None, None, None, "2023-04-01", "2023-04-01"]),
            "valid_to": pd.to_datetime([None, None, None, "2023-03-31", None, None]),
        }
    )
    return table.set_index("code")


@pytest.mark.parametrize(
    ("day", "alive"),
    [
        (datetime.date(2023, 3, 31), ["314", "318", "370", "909"]),
        (datetime.date(2023, 4, 1), ["314", "318", "370", "942", "943"]),
    ],
)
def test_both_ends_of_an_authoritys_life_belong_to_it(
    authorities: pd.DataFrame, day: datetime.date, alive: list[str]
) -> None:
    assert existing(authorities, day).tolist() == alive


def test_a_joint_return_names_each_of_its_authorities() -> None:
    assert codes_of("314+318") == ("314", "318")
    assert codes_of("370") == ("370",)


def test_a_joint_return_exists_while_all_its_authorities_do(authorities: pd.DataFrame) -> None:
    units = pd.Series(["909+942", "314+318", "nowhere"], index=[7, 8, 9])
    lifetime = existence(units, authorities)
    assert lifetime.loc[7].tolist() == [pd.Timestamp("2023-04-01"), pd.Timestamp("2023-03-31")]
    assert lifetime.loc[[8, 9]].isna().all(axis=None)


def test_successors_know_the_weights_of_their_predecessors(authorities: pd.DataFrame) -> None:
    assert predecessors(authorities) == {"942": {"909": 1.0}, "943": {"909": 1.0}}


def test_blocks_join_what_a_succession_or_a_joint_return_links(authorities: pd.DataFrame) -> None:
    blocks = linked_blocks(authorities, ["370", "314+318", "942"])
    assert blocks == [("314", "318"), ("370",), ("909", "942", "943")]


def test_every_authority_is_in_exactly_one_block(authorities: pd.DataFrame) -> None:
    blocks = linked_blocks(authorities, ["318+942", "314+318"])
    assert blocks == [("314", "318", "909", "942", "943"), ("370",)]
