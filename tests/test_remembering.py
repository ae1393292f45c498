"""What is kept of functions of texts: bounded, shared by threads, and asked for without computing."""

from __future__ import annotations

import threading

import pytest

from contracts_app.services.remembering import MOST_CHARACTERS, TooLong, haste, remembering


@pytest.fixture
def asked():
    return []


@pytest.fixture
def length(asked):
    @remembering(3)
    def length(text: str) -> int:
        asked.append(text)
        if text == "bad":
            raise ValueError(text)
        return len(text)

    return length


def test_a_result_is_kept_and_the_oldest_is_dropped(length, asked):
    assert [length(text) for text in ("a", "b", "a", "cc", "ddd", "a")] == [1, 1, 1, 2, 3, 1]
    assert asked == ["a", "b", "cc", "ddd", "a"]


def test_errors_and_large_texts_are_not_kept(length, asked):
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            length("bad")
        length("x" * (MOST_CHARACTERS + 1))
    assert len(asked) == 4


def test_texts_are_bounded_together(asked):
    @remembering(100, characters=10)
    def same(text: str) -> str:
        asked.append(text)
        return text

    for text in ("aaaa", "bbbb", "cccc", "cccc", "bbbb", "aaaa"):
        same(text)
    assert asked == ["aaaa", "bbbb", "cccc", "aaaa"]


def test_results_weigh_too(asked):
    @remembering(10, characters=100, weigh=len)
    def repeated(text: str) -> str:
        asked.append(text)
        return text * 40

    for text in ("a", "b", "a", "c", "a"):  # each takes 41
        repeated(text)
    assert asked == ["a", "b", "c", "a"]


def test_in_haste_only_what_is_known(length, asked):
    length("a")
    with haste():
        assert length("a") == 1
        with pytest.raises(TooLong):
            length("b")
    assert length("b") == 1
    assert asked == ["a", "b"]


def test_what_is_quick_is_computed_in_haste(asked):
    @remembering(3, quick=lambda text: len(text) < 3)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    with haste():
        assert length("ab") == 2
        with pytest.raises(TooLong):
            length("abc")
    assert length("ab") == 2
    assert asked == ["ab"]


def test_threads_share_it(length):
    faults = []

    def work(start: int) -> None:
        for number in range(3000):
            text = "x" * ((start + number) % 7)
            if length(text) != len(text):
                faults.append(text)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
