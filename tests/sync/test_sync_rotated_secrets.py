"""Secrets that a vendor or an administrator replaces while we run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sync.secrets import SecretMissing, resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("first\n")
    return tmp_path


def test_a_replaced_secret_is_on_disk_for_us_alone_when_it_returns(folder: Path) -> None:
    old = resolve("file:token", folder)
    new = old.replaced("second")
    assert (old.reveal(), new.reveal(), new.label) == ("first", "second", "file:token")
    assert (folder / "token").read_text() == "second\n"
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["token"]
    assert new.replaced("third").reveal() == resolve("file:token", folder).reveal() == "third"


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "token")
    resolve("file:link", folder).replaced("second")
    assert (folder / "link").is_symlink()
    assert (folder / "token").read_text() == "second\n"


def test_a_secret_that_cannot_be_kept_leaves_the_old_one_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        resolve("file:token", folder).replaced("second")
    assert (folder / "token").read_text() == "first\n"
    assert os.listdir(folder) == ["token"]


def test_a_secret_is_read_again_from_its_place(folder: Path) -> None:
    secret = resolve("file:token", folder)
    (folder / "token").write_text("by hand")
    assert secret.reveal() == "first"
    assert secret.again().reveal() == "by hand"
    assert secret.again().replaceable


def test_a_place_that_lies_open_is_not_read_again(folder: Path) -> None:
    secret = resolve("file:token", folder)
    (folder / "token").chmod(0o644)
    with pytest.raises(SecretMissing, match="others may read"):
        secret.again()


def test_a_variable_can_neither_be_replaced_nor_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLA_TEST_TOKEN", "first")
    secret = resolve("env:SLA_TEST_TOKEN", folder)
    monkeypatch.setenv("SLA_TEST_TOKEN", "second")
    assert not secret.replaceable
    assert secret.again() is secret
    with pytest.raises(ValueError, match="env:SLA_TEST_TOKEN cannot be written"):
        secret.replaced("third")
