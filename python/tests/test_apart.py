"""A run whose rows are worked by hands, without Spark: the driver of this test has them in its own process."""

import csv
import json
import socket

import pytest
from conftest import stays

import kakou
from kakou import _hands, _kakou


class Here:
    """What `kakou.spark` does with jobs, done at once."""

    def __init__(self, arguments, parts):
        self.arguments, self.parts = arguments, parts
        self.blocks, self.released, self.carried = {}, {}, []
        self.hand = None

    def begin(self, run, key):
        self.run = run
        assert key.endswith("project.key")

    def read(self, giver, tasks):
        asking = _kakou.Asking(self.arguments, self.run)
        hello = asking.hello()
        # A byte that is another one for sure, whatever was drawn.
        for wrong in (b"", b"\0" * 72, hello[:-1] + bytes([hello[-1] ^ 1])):
            with pytest.raises(_kakou.CallError, match="K0162"):
                giver.answer(wrong)
        self.hand = asking.enter(giver.answer(asking.hello()), 1 << 20)
        told = []
        for task in json.loads(tasks):
            for part, piece in self.hand.read(json.dumps([task]), self.parts):
                told.append(piece) if part < 0 else self.blocks.setdefault(part, []).append(piece)
                self.carried.append(piece)
        return told, self.parts

    def each(self):
        yield from self.blocks.items()

    def measure(self, draft):
        all_parts = [self.hand.measure(draft, part, blocks) for part, blocks in self.blocks.items()]
        self.carried += [draft, *all_parts]
        return [self.hand.merge(draft, all_parts)]

    def apply(self, frozen):
        told = []
        for part, blocks in self.blocks.items():
            for at, piece in self.hand.apply(frozen, part, blocks, 2):
                told.append(piece) if at < 0 else self.released.setdefault(at, []).append(piece)
        self.carried += [frozen, *told]
        return told

    def sorted(self):
        for blocks in self.released.values():
            yield from self.hand.sort(blocks)

    def forget(self):
        locked = self.hand.locked()
        assert self.hand.forget()
        with pytest.raises(_kakou.CallError, match="X0804"):
            self.hand.sort([])
        return locked


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    data = stays()
    with (folder / "stays.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data)
        writer.writerows(zip(*data.values()))
    return folder


def arguments(policy, folder, key, out):
    return ["--policy", str(policy), "--input", str(folder), "--key", str(key), "--out", str(out)]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_hands_give_the_bytes_of_one_machine(parts, tmp_path, policy, key, folder):
    single = kakou.run(policy, input=folder, key=key, out=tmp_path / "one").folder
    given = arguments(policy, folder, key, tmp_path / "apart")
    driver = Here(given, parts)
    made = kakou.Run(json.loads(_kakou.run_apart(given, driver, None)), [])
    for name in ("pseudonymized/stays.csv",):
        assert (made.folder / name).read_bytes() == (single / name).read_bytes()
    assert kakou.verify(made).persons == [60, 60]
    carried = b"".join(driver.carried)
    assert len(carried) > 1000
    for cell in ("P00001", "患者001番さん", "31000007", "性別", "pseudonym"):
        assert cell.encode() not in carried


def test_what_a_driver_raises_ends_the_run(tmp_path, policy, key, folder):
    class Broken(Here):
        def measure(self, draft):
            raise ZeroDivisionError("on the way")

    given = arguments(policy, folder, key, tmp_path / "out")
    with pytest.raises(ZeroDivisionError, match="on the way"):
        _kakou.run_apart(given, Broken(given, 2), None)
    assert not [p for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")]


def test_a_damaged_piece_ends_the_run_and_shows_no_cell(tmp_path, policy, key, folder):
    class Damaging(Here):
        def each(self):
            for part, blocks in self.blocks.items():
                yield part, [block[:-1] + bytes([block[-1] ^ 1]) for block in blocks]

    given = arguments(policy, folder, key, tmp_path / "out")
    with pytest.raises(_kakou.CallError, match="K0161"):
        _kakou.run_apart(given, Damaging(given, 2), None)


def test_a_message_is_whole_or_nothing():
    one, other = socket.socketpair()
    _hands.send(one, b"hello")
    assert _hands.receive(other) == b"hello"
    one.sendall(b"\0\0")
    one.close()
    assert _hands.receive(other) == b""
