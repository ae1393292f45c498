"""Regular expressions as in ECMA-262, and the decisions about them."""

import math
import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from linter_app import patterns
from linter_app.patterns import automata, included, matches, sample, says_nothing, shortest

NONE = frozenset()


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a\n", False),  # `$` is the end of the text, not of its last line
        (r"^\d$", "\u0663", False),  # `\d` is ASCII
        (r"^\w$", "é", False),
        (r"^\s$", "\u00a0", True),
        (r"^\cC$", "\x03", True),
        (r"^\x41\u0042\u{43}$", "ABC", True),
        ("^.$", "\u2028", False),
        (r"^\p{Lu}+$", "ÄÖ", True),
        (r"^[\p{L}_]+$", "é_", True),
        ("^(?<year>[0-9]{4})$", "2020", True),
        ("a{,3}", "a{,3}", True),
        ("[^]", "\n", True),
        ("[]", "a", False),
        (r"^\/$", "/", True),
        ("^(?!a)b", "b", True),
        (r"\bfoo\b", "a foo b", True),
        ("^[a-z&&b]$", "&", True),  # `&&` has no meaning in a set
        ("^[a-]$", "-", True),
    ],
)
def test_patterns_match_as_in_ecma_262(pattern, text, found):
    assert matches(pattern, text) is found


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?P<x>a)", "[b-a]", r"\u{110000}", "a{2,1}", "*"])
def test_invalid_patterns_are_refused(pattern):
    assert shortest(frozenset({pattern})) == (None, False)


@pytest.mark.parametrize(
    ("narrower", "wider", "holds"),
    [
        (r"^\d{4}-\d{2}$", "^[0-9-]+$", True),
        ("^[a-z]+$", "^[a-zA-Z]+$", True),
        ("^ba+b$", "b.*b", True),
        ("^(ab)*$", "^(ab){0,3}$", False),
        ("^a+$", "^aa*$", True),
        ("^(a|b)*$", "^[ab]*$", True),
        ("^a|b$", "a|b", True),
        ("a", "^a", False),
    ],
)
def test_inclusion_of_patterns_is_decided(narrower, wider, holds):
    assert included(frozenset({narrower}), wider, 0, math.inf) is holds
    text, certain = shortest(frozenset({narrower}), frozenset({wider}))
    assert certain
    if not holds:
        assert re.search(narrower, text)
        assert not re.search(wider, text)


def test_lengths_are_compared_with_patterns():
    assert included(frozenset({"^(ab)*$"}), "^(ab){0,3}$", 0, 6)
    assert shortest(frozenset({"^a*$"}), NONE, 3, 5) == ("aaa", True)
    assert shortest(frozenset({"^(aa)*$"}), NONE, 3, 3) == (None, True)
    assert shortest(frozenset({"^a", "^b"})) == (None, True)
    assert shortest(frozenset({"^a", "b$"})) == ("ab", True)
    assert all(map(says_nothing, ["", "^", ".*", "^.*", r"^[\s\S]*$"]))
    assert not says_nothing("^.*$")  # a text of two lines does not match


def test_patterns_that_are_not_regular_are_not_decided():
    assert shortest(frozenset({"^(?=a)"}), NONE) == (None, False)


@pytest.mark.parametrize("random_state", range(5))
def test_it_agrees_with_another_engine(random_state):
    rng = random.Random(random_state)
    atoms = ["a", "b", "[ab]", "[^a]", ".", "(a|bb)", "(ab)"]
    texts = ["", "a", "b", "ab", "ba", "aab", "abb", "bbb", "abab", "c"]
    for _ in range(300):
        first, second = (
            rng.choice(["", "^"])
            + "".join(rng.choice(atoms) + rng.choice(["", "*", "+", "?", "{2}"]) for _ in range(rng.randint(1, 3)))
            + rng.choice(["", "$"])
            for _ in range(2)
        )
        text, certain = shortest(frozenset({first}), frozenset({second}))
        assert certain
        # In Python, `$` also matches before a final line feed.
        first, second = (each.replace("$", r"\Z") for each in (first, second))
        if text is not None:
            assert re.search(first, text)
            assert not re.search(second, text)
        else:
            assert not [t for t in texts if re.search(first, t) and not re.search(second, t)], (first, second)
        drawn = sample(first.replace(r"\Z", "$"), rng)
        assert drawn is None or re.search(first, drawn)


def test_an_expression_that_takes_too_long_is_given_up():
    pattern = "^(a|b|ab)*(?=c)"
    texts = ["ab" * 40 + f"d{number}" for number in range(2000)]
    assert not any(matches(pattern, text) for text in texts)
    assert patterns._strikes[pattern] == patterns.MAX_TIMEOUTS


def test_threads_share_automata(monkeypatch):
    monkeypatch.setattr(automata, "MAX_KEPT", 3)  # so that cache entries are evicted all the time
    expressions = [f"^(a|b){{{n}}}c*$" for n in range(12)]

    def work(random_state):
        rng = random.Random(random_state)
        for _ in range(60):
            first, second = rng.sample(expressions, 2)
            automata._found.cache_clear()
            text, certain = shortest(frozenset({first}), frozenset({second}))
            assert certain
            assert re.search(first, text)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_patterns_that_begin_differently_are_compared_without_their_automata(monkeypatch):
    """Unions of many tagged strings are compared each with each."""
    monkeypatch.setattr(automata, "_found", lambda *_: pytest.fail("automata ran"))
    assert shortest(frozenset({r"^(AddApps\:[0-9]+$)", "^AddTabs:"})) == (None, True)
    assert shortest(frozenset({"^(?:ab)c", "^abd", "c$"})) == (None, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [("^ab", "^abc?"), ("^a?b", "^b"), ("ab", "^cab"), ("^(a|b)", "^b"), ("^a|^b", "^b"), ("^[ab]", "^b")],
)
def test_patterns_with_a_common_beginning_may_match_one_text(one, other):
    text, is_certain = shortest(frozenset({one, other}))
    assert text is not None
    assert is_certain


def test_a_pattern_that_cannot_match_for_its_beginning_excludes_nothing():
    matching = frozenset({"^Apps:[0-9]+$"})
    others = frozenset(rf"^Tabs{n}:[0-9]+$" for n in range(200))
    assert shortest(matching, others) == shortest(matching)
    assert shortest(matching, others | {"^Apps:"}) == (None, True)


def test_long_lists_of_words_are_compared():
    """Such as the ecosystems of a vulnerability database, in which some are added with each version."""
    words = [f"{first}{second}{third}" for first in "ABCDEF" for second in "uvwxyz" for third in "123456"]
    old, new = ("^(" + "|".join(each) + r")(:.+)?$" for each in (words, [*words, "Homebrew", "GIT"]))
    assert included(frozenset({old}), new, 0, math.inf)
    assert shortest(frozenset({new}), frozenset({old})) == ("GIT", True)
