"""A small hospital: two tables of sixty persons as plain Python, a policy, a key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The policy that the tests of the program have too.
POLICY = (Path(__file__).parent / "small.toml").read_text(encoding="utf-8")


def stays() -> dict[str, list]:
    """One row a person."""
    people = range(60)
    return {
        "患者ID": [f"P{n:05d}" for n in people],
        "氏名": [f"患者{n:03d}番さん" for n in people],
        "保険者番号": [f"{31_000_000 + n * 7:08d}" for n in people],
        "性別": ["1" if n % 2 else "2" for n in people],
        "総点数": [1000 + n * 10 for n in people],
    }


@pytest.fixture
def data() -> dict[str, list]:
    return stays()


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture
def key(tmp_path):
    """A key made by the program, in a process of its own."""
    path = tmp_path / "project.key"
    done = subprocess.run([sys.executable, "-m", "kakou", "key", "new", "--quiet", str(path)], check=False)
    assert done.returncode == 0
    return path


@pytest.fixture(autouse=True)
def no_home(monkeypatch):
    """No test finds or makes a key in the real home."""
    monkeypatch.setenv("HOME", "/nowhere/home")
    for name in ("KAKOU_KEYS", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    os.umask(0o022)
