"""What goes wrong, as exceptions. None of them holds a cell value: the program has none to give."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One of the things that are wrong."""

    code: str
    """The code, as in docs: ``D0201``."""
    what: str
    """What is wrong."""
    advice: str | None
    """What to do."""
    place: dict[str, Any] | None
    """Where in the policy: file, line, column."""


class KakouError(Exception):
    """A command that failed. ``code``, ``what`` and ``advice`` are of the first problem, ``problems`` has all."""

    def __init__(self, problems: list[Problem], shown: str) -> None:
        super().__init__(shown or "; ".join(f"[{p.code}] {p.what}" for p in problems))
        self.problems = problems

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code

    @property
    def what(self) -> str:
        """What is wrong."""
        return self.problems[0].what

    @property
    def advice(self) -> str | None:
        """What to do."""
        return self.problems[0].advice

    @property
    def place(self) -> dict[str, Any] | None:
        """Where in the policy."""
        return self.problems[0].place

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.problems, str(self)))


class Refused(KakouError):
    """A requirement of the policy or of the law does not hold on these data (exit code 1)."""


class PolicyError(KakouError):
    """The policy or the call is wrong (exit code 2)."""


class DataError(KakouError):
    """The data are not what the policy says (exit code 3)."""


class EnvironmentFault(KakouError):
    """Disk, permissions, memory, a damaged file of ours (exit code 4)."""


class Stopped(KakouError):
    """Somebody stopped the command (exit code 130)."""


_FAMILIES: dict[str, type[KakouError]] = {
    "refused": Refused,
    "policy": PolicyError,
    "data": DataError,
    "environment": EnvironmentFault,
    "interrupted": Stopped,
}


def of(text: str) -> KakouError:
    """The exception for an error as the program tells it."""
    told = json.loads(text)
    error = told.get("error", {})
    every = [error, *error.get("others", [])]
    problems = [
        Problem(
            code=e.get("code", ""),
            what=e.get("what", ""),
            advice=e.get("advice"),
            place=e.get("place"),
        )
        for e in every
    ]
    family = _FAMILIES.get(error.get("family", ""), KakouError)
    return family(problems, told.get("shown", ""))
