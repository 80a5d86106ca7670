"""加工: tables of a hospital to two releases, pseudonymized (仮名加工医療情報) and anonymized (匿名加工医療情報), with a record.

>>> import kakou
>>> made = kakou.run("policy.toml", tables={"stays": frame}, key="project.key", out="releases")  # doctest: +SKIP
>>> made.anonymized["stays"].to_polars()  # doctest: +SKIP

Every function does what the command of the same name does, in this process, and opens no network connection. A failure is an
exception with a code, a text without any cell value, and an advice.
"""

from ._api import check, demo, explain, init, risk, run, schema, shipped, synth, verify
from ._errors import (
    DataError,
    EnvironmentFault,
    KakouError,
    PolicyError,
    Refused,
    Stopped,
)
from ._kakou import __version__
from ._results import Checked, Draft, Explained, Release, Risk, Run, Table, Verified

__all__ = [
    "Checked",
    "DataError",
    "Draft",
    "EnvironmentFault",
    "Explained",
    "KakouError",
    "PolicyError",
    "Refused",
    "Release",
    "Risk",
    "Run",
    "Stopped",
    "Table",
    "Verified",
    "__version__",
    "check",
    "demo",
    "explain",
    "init",
    "risk",
    "run",
    "schema",
    "shipped",
    "synth",
    "verify",
]
