"""Foreign text: what is escaped, what is left as it is, and how wide it is."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.core import Address
from genai_iac.render.common import sanitize
from genai_iac.render.common.sanitize import columns, dotted, escape_control, guard_lines, named, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 100 %", "plain words, 100 %"),
        ("Größe 日本語 עברית हिन्दी ไทย ½ €", "Größe 日本語 עברית हिन्दी ไทย ½ €"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m\x07\x00\x7f", "\\x1b[31m\\x07\\x00\\x7f"),
        ("\x85\x9b", "\\x85\\x9b"),
        ("\u202e\u2066\u200e\u061c", "\\u202e\\u2066\\u200e\\u061c"),
        ("\u200b\u200d\ufeff\u00ad\u2060", "\\u200b\\u200d\\ufeff\\xad\\u2060"),
        ("\u2028\u2029\u00a0\u3000", "\\u2028\\u2029\\xa0\\u3000"),
        ("\ufe0f\U000e0100\U000e0041", "\\ufe0f\\U000e0100\\U000e0041"),
        ("\ud800\ue000\u3164", "\\ud800\\ue000\\u3164"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "\\u0301e"),
        ("e\u0301\u0301\u0301", "e\u0301\u0301\\u0301"),
        ("##[error] ###[x]", "#\\x23[error] ##\\x23[x]"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert escape_control(text) == shown


@given(st.text(alphabet=st.characters(), max_size=200))
def test_nothing_unsafe_is_left(text: str) -> None:
    for shown in (escape_control(text), quoted(text)):
        assert shown.isprintable()
        assert "##[" not in shown
        assert escape_control(shown) == shown
    assert all(unicodedata.category(character) not in ("Cf", "Cs", "Zl", "Zp") for character in escape_control(text))


@given(st.text(max_size=100), st.text(max_size=100))
def test_quoted_texts_are_alike_only_when_they_are(one: str, other: str) -> None:
    assert (quoted(one) == quoted(other)) == (one == other)


def test_past_the_limit_it_says_how_much_more_there_is() -> None:
    assert escape_control("a" * 1_300, 10) == "aaaaaaaaaa... (+1,290 characters)"
    assert escape_control("a" * 10, 10) == "a" * 10
    assert quoted("\n" * 12, 10) == '"' + "\\n" * 10 + '"... (+2 characters)'


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (Address("ApiKey", "chat-app"), "ApiKey/chat-app"),
        (Address("ApiKey", "x create"), '"ApiKey/x create"'),
        (Address("ApiKey", "x\n"), '"ApiKey/x\\n"'),
        (Address("", "x"), '"/x"'),
    ],
)
def test_an_address_that_is_none_is_quoted(address: Address, shown: str) -> None:
    assert named(address) == shown


def test_parts_of_a_path_that_are_no_words_are_quoted() -> None:
    assert dotted(("secrets", "key-one", "expires")) == "secrets.key-one.expires"
    assert dotted(("freeformTags", "a.b c")) == 'freeformTags."a.b c"'
    assert dotted(("freeformTags", "")) == 'freeformTags.""'


@pytest.mark.parametrize(
    ("line", "guarded"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("   ::error::x", "   \\x3a:error::x"),
        ("\x1b[31m  ::error::x", "\x1b[31m  \\x3a:error::x"),
        ("a\n\n  ::error", "a\n\n  \\x3a:error"),
        ("a ::error::", "a ::error::"),
        ("std::string", "std::string"),
    ],
)
def test_no_line_is_a_command(line: str, guarded: str) -> None:
    assert guard_lines(line) == guarded


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("→é", 2), ("", 0)])
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


def test_what_is_passed_as_plain_text_is_what_a_look_at_each_character_leaves() -> None:
    """Every character by itself and four in a row: the short way and the long one agree."""
    every = (chr(code) for code in range(0x20, sys.maxunicode + 1))
    plain = [one for one in every if one.isprintable() and sanitize._PLAIN_TEXT.fullmatch(one)]
    assert len(plain) > 600
    assert [one for one in plain if "".join(sanitize._escape_unsafe(f"a{4 * one}")) != f"a{4 * one}"] == []
    assert (
        escape_control("a — b ×2 → c\u0301\u0301\u0301d\u00ad\u202e") == "a — b ×2 → c\u0301\u0301\\u0301d\\xad\\u202e"
    )
