"""The one reader of TOML: what is too large, too deep or no file is refused at once, by specs, plans and catalogues."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_csc.errors import BayesCscError
from bayes_csc.evaluation.sensitivity.plan.plan import Plan
from bayes_csc.files.toml_text import LARGEST, parse_toml
from bayes_csc.sources.download.catalogue import read_catalogue
from bayes_csc.spec import Spec
from bayes_csc_models.specs import spec

READERS = (Spec.read, Plan.read, read_catalogue, spec)
TEXTS = {
    "a number of 5,000 digits": "a = " + "7" * 5000,
    "a number of 60 digits": "horizon = " + "7" * 60,
    "deep lists": "a = " + "[" * 50_000,
    "lists just too deep": "a = " + "[" * 40 + "]" * 40,
    "deep tables": "[" + "a." * 100_000 + "b]",
    "a huge horizon": "horizon = 10000000",
    "a name of 5,000 characters": f"name = '{'x' * 5000}'",
    "no UTF-8": "a = \udcff",
}


def refused(read: Callable[[Path], object], path: Path, codes: tuple[int, ...] = (2, 3)) -> str:
    started = time.process_time()
    with pytest.raises(BayesCscError) as caught:
        read(path)
    assert time.process_time() - started < 2
    assert caught.value.exit_code in codes
    assert len(str(caught.value)) < 3000
    return str(caught.value)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_text_beyond_the_limits_is_refused_with_one_message(
    read: Callable[[Path], object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "given.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(read, path)


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_file_of_settings_is_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    assert "found a folder" in refused(read, tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    assert "a device or a pipe" in refused(read, tmp_path / "pipe.toml")
    with (tmp_path / "sparse.toml").open("wb") as file:
        file.truncate(3_000_000_000)
    assert "above the limit of 2 MB" in refused(read, tmp_path / "sparse.toml")
    refused(read, tmp_path / ("x" * 5000))
    refused(read, tmp_path / "none.toml")


@pytest.mark.parametrize(
    "part",
    ["[a]\n", "[[a]]\n", "a.a=1\n", "a = [", "a={", "'''", '"\\u0041', "#", " ", "\n", "[[a.b]]\n[a.b.c]\n", "1,"],
)
def test_a_text_of_one_part_again_and_again_is_answered_or_refused_in_time(part: str) -> None:
    text = (part * (500_000 // len(part))).encode()
    started = time.process_time()
    parse_toml(text, "given.toml", [])
    assert time.process_time() - started < 2


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(
            st.sampled_from(["[", "]", "{", "}", "=", ".", "'", '"', "a", "\n", "0", "1979-05-27", "#", "\\", ","])
        )
        .map("".join)
        .map(str.encode),
    )
)
def test_any_content_gives_values_or_one_problem(content: bytes) -> None:
    problems: list[str] = []
    values = parse_toml(content, "given.toml", problems)
    assert (values is None) == (len(problems) == 1)


def test_the_limit_is_above_every_file_that_ships(root: Path) -> None:
    sizes = [path.stat().st_size for part in ("data", "bayes_csc", "models") for path in (root / part).rglob("*.toml")]
    assert 10 * max(sizes) < LARGEST
