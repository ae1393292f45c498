"""Memoized results are bounded and shared by threads."""

from __future__ import annotations

import threading

import pytest

from contracts_app.services.memoize import MAX_CHARACTERS, memoize


@pytest.fixture
def calls():
    return []


@pytest.fixture
def length(calls):
    @memoize(3)
    def length(text: str) -> int:
        calls.append(text)
        if text == "bad":
            raise ValueError(text)
        return len(text)

    return length


def test_a_result_is_kept_and_the_oldest_is_dropped(length, calls):
    assert [length(text) for text in ("a", "b", "a", "cc", "ddd", "a")] == [1, 1, 1, 2, 3, 1]
    assert calls == ["a", "b", "cc", "ddd", "a"]


def test_errors_and_large_texts_are_not_kept(length, calls):
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            length("bad")
        length("x" * (MAX_CHARACTERS + 1))
    assert len(calls) == 4


def test_texts_are_bounded_together(calls):
    @memoize(100, max_characters=10)
    def same(text: str) -> str:
        calls.append(text)
        return text

    for text in ("aaaa", "bbbb", "cccc", "cccc", "bbbb", "aaaa"):
        same(text)
    assert calls == ["aaaa", "bbbb", "cccc", "aaaa"]


def test_the_size_of_results_counts(calls):
    @memoize(10, max_characters=100, size_of=len)
    def repeated(text: str) -> str:
        calls.append(text)
        return text * 40

    for text in ("a", "b", "a", "c", "a"):  # each takes 41
        repeated(text)
    assert calls == ["a", "b", "c", "a"]


def test_threads_share_the_cache(length):
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
