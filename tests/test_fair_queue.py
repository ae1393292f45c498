"""Callers take turns at a limited number of slots."""

from __future__ import annotations

import random
import threading

import pytest

from contracts_app.fair_queue import FairQueue, QueueFull


def test_one_caller_has_at_most_its_share():
    queue = FairQueue(3, per_caller=2, max_waiting=10)
    busy = [queue.enter("busy") for _ in range(4)]
    assert [ticket.done() for ticket in busy] == [True, True, False, False]
    assert queue.enter("other").done()


def test_waiting_callers_are_served_in_rotation():
    queue = FairQueue(1, per_caller=1, max_waiting=10)
    first = queue.enter("a")
    waiting = [(caller, queue.enter(caller)) for caller in ("a", "a", "a", "b", "c")]
    order, running = [], ("a", first)
    while waiting:
        queue.leave(*running)
        [running] = [each for each in waiting if each[1].done()]
        waiting.remove(running)
        order.append(running[0])
    assert order == ["a", "b", "c", "a", "a"]


def test_a_full_queue_refuses():
    queue = FairQueue(1, per_caller=1, max_waiting=1)
    queue.enter("a")
    queue.enter("b")
    with pytest.raises(QueueFull):
        queue.enter("c")


def test_one_that_leaves_while_it_waits_gets_no_slot():
    queue = FairQueue(1, per_caller=1, max_waiting=2)
    first, second, third = queue.enter("a"), queue.enter("b"), queue.enter("c")
    second.cancel()  # by another thread, when the client goes away
    queue.leave("a", first)
    assert third.done()
    queue.leave("b", second)
    queue.leave("c", third)
    assert queue.enter("d").done()


def test_no_slot_is_lost_between_threads():
    queue = FairQueue(3, per_caller=2, max_waiting=1000)

    def use(number):
        chance = random.Random(number)
        for _ in range(300):
            caller = chance.choice("abcd")
            ticket = queue.enter(caller)
            if chance.random() < 0.3:
                ticket.cancel()
            else:
                ticket.result(20)
            queue.leave(caller, ticket)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [queue.enter("end").done() for _ in range(2)] == [True, True]
    assert queue.enter("more").done()
