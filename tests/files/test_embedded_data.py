"""Where the embedded data are found; the wheel's half is in test_wheel.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayes_csc.errors import UsageError
from bayes_csc.files import embedded_data as share


def panel(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "indicators.toml").touch()
    return folder


def test_a_checkout_uses_its_own_data_folder(root: Path) -> None:
    assert share.data_dir("england") == root / "data" / "england"


def test_an_installed_package_uses_its_own_share_and_no_stray_data_folder_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_packages = tmp_path / "site-packages"
    panel(site_packages / "data" / "england")
    ours = panel(site_packages / "bayes_csc" / "_share" / "data" / "england")
    monkeypatch.setattr(share, "_PACKAGE", site_packages / "bayes_csc")
    assert share.data_dir() == ours


def test_an_unknown_panel_is_an_error_that_names_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "_PACKAGE", tmp_path / "bayes_csc")
    panel(tmp_path / "bayes_csc" / "_share" / "data" / "england")
    with pytest.raises(UsageError, match="no embedded panel is called 'wales'; embedded: england"):
        share.data_dir("wales")
