"""Progress in a terminal or a notebook: tqdm where it is installed, else lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_WORDS = {
    "intake": "intake 読込み",
    "declared": "declared 宣言の確認",
    "measure": "measure 集計",
    "freeze": "freeze 確定",
    "apply": "apply 加工",
    "write": "write 書出し",
    "prove": "prove 検証",
    "seal": "seal 封",
}


@contextmanager
def shown(progress: Any) -> Iterator[Callable[[str | None, int], None] | None]:
    """The function that the program tells its progress: the caller's own, one that shows a bar, or none."""
    if not progress:
        yield None
        return
    if callable(progress) and progress is not True:
        yield progress
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:

        def line(stage: str | None, rows: int) -> None:
            if stage is not None:
                print(f"kakou: {_WORDS.get(stage, stage)}", file=sys.stderr)

        yield line
        return
    with tqdm(unit=" rows", desc=_WORDS["intake"]) as bar:

        def tell(stage: str | None, rows: int) -> None:
            if stage is not None:
                bar.set_description(_WORDS.get(stage, stage))
            bar.update(rows)

        yield tell
