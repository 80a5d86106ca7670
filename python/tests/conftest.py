"""A small hospital: two tables of sixty persons as plain Python, a policy, a key."""

import os
import subprocess
import sys

import pytest

POLICY = """
[policy]
id = "small"
version = "1"
profile = "ngmia"

[person]
key = "patient"

[pseudonymized]
project = "p"
recipient = "r"

[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.2 }

[[anonymized.view]]
name = "stay"
grain = "stays"
quasi = ["stays.性別"]

[not_applicable]
"18-4" = "特異な記述等はない"
"33-3" = "カード番号等の列はない"

[tables.stays]
grain = "event"
source = { path = "stays.csv" }
keys = { patient = "患者ID" }
[tables.stays.columns]
"患者ID"       = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
"氏名"         = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
"保険者番号"   = { role = "id_code", type = "code", pseudonymized = "drop", anonymized = "drop" }
"性別"         = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
"総点数"       = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = { round = { significant = 1, tails = 5 } } }
"""


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
