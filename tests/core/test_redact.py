"""The redactor knows every value that a run has held, in every form, and leaves all other text as it is."""

from __future__ import annotations

import base64
import json
import random
import string
import sys
import threading
from array import array
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from crash.secret_search import SearchedValues
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.core import Secret
from genai_iac.core.errors import IacError, ServiceFailure
from genai_iac.core.redactor import _FAMILIES, COVER, PIECE, Redactor, _fold, forget_all, redact, register_quoted

VALUE = "sk-9fQ2mXc71LhTzVwB3nRk8DyPj5GsAe0UoCiNqYtMbKxSdEvZ"
SHAPES: dict[str, Callable[[bytes], str]] = {
    "as it is": lambda raw: raw.decode(),
    "backwards": lambda raw: raw.decode()[::-1],
    "upper case": lambda raw: raw.decode().upper(),
    "hex": lambda raw: raw.hex(),
    "HEX": lambda raw: raw.hex().upper(),
    "hex with spaces": lambda raw: raw.hex(" "),
    "hex with colons": lambda raw: raw.hex(":"),
    "URL": lambda raw: quote(raw, safe=""),
    "every byte for a URL": lambda raw: "".join(f"%{byte:02X}" for byte in raw),
    "JSON": lambda raw: json.dumps(raw.decode()),
    "JSON escapes": lambda raw: "".join(f"\\u{byte:04x}" for byte in raw),
    "shell escapes": lambda raw: "".join(f"\\x{byte:02x}" for byte in raw),
    "octal escapes": lambda raw: "".join(f"\\{byte:03o}" for byte in raw),
    "escapes in braces": lambda raw: "".join(f"\\u{{{byte:x}}}" for byte in raw),
    "quoted printable": lambda raw: "".join(f"={byte:02X}" for byte in raw),
    "HTML escapes in hex": lambda raw: "".join(f"&#x{byte:X};" for byte in raw),
    "a dump": lambda raw: raw.hex(" ", -2),
    "a dump, one byte later": lambda raw: raw[1:].hex(" ", -2),
    "a list of bytes": lambda raw: str(list(raw))[1:-1],
    "a narrow list of bytes": lambda raw: ",".join(map(str, raw)),
    "UTF-16": lambda raw: "\0".join(raw.decode()),
    **{
        f"base64 of UTF-16, offset {before}": lambda raw, before=before: base64.b64encode(
            b"{" * before + raw.decode().encode("utf-16-le")
        ).decode()
        for before in range(3)
    },
    "hex of base64": lambda raw: base64.b64encode(raw).hex(),
    "HTML escapes": lambda raw: "".join(f"&#{byte};" for byte in raw),
    **{
        f"{name}, offset {before}": lambda raw, encode=encode, before=before: encode(b"{" * before + raw + b"}").decode()
        for before in range(3)
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode))
    },
    **{
        f"base64 of base64, offsets {inner} and {outer}": lambda raw, inner=inner, outer=outer: base64.b64encode(
            b'"' * outer + base64.b64encode(b"{" * inner + raw)
        ).decode()
        for inner in range(3)
        for outer in range(3)
    },
    "inside a larger base64": lambda raw: base64.b64encode(
        json.dumps({"OPENAI_API_KEY": raw.decode(), "x": 1}, indent=2).encode()
    ).decode(),
}  # fmt: skip


def searched(value: str) -> SearchedValues:
    return SearchedValues([value])


@pytest.mark.parametrize(
    "value", [VALUE, "abcdefgh", "sk-\U0001f600\u00e9 \U0010ffff%=&\\x,", "\x01\x02\x03\x04\x05\x06\x07\x08\x09"]
)
def test_every_piece_of_a_form_has_the_sign_of_its_family(value: str) -> None:
    """A text without the sign is not looked at for the family: that must leave nothing out."""
    for sign, family in _FAMILIES:
        for form in map(_fold, family(value)):
            pieces = [form[at : at + PIECE] for at in range(len(form) - PIECE + 1)]
            assert sign is None or (pieces and all(map(sign.search, pieces))), (sign, form)


def _knowing(values: int) -> Redactor:
    """A redactor of its own that knows so many values."""
    redactor = Redactor()
    for number in range(values):
        redactor.add(f"{VALUE}{number:03}")
    return redactor


def test_only_forms_that_a_text_may_hold_are_indexed() -> None:
    redactor = _knowing(100)
    redactor.redact("Plan: 1 to add, in ocid1.compartment.oc1..zzzzzzzzzzzz")
    few = len(redactor._index)
    assert COVER in redactor.redact("".join(f"\\x{byte:02x}" for byte in f"{VALUE}007".encode()))
    assert len(redactor._index) > few


@pytest.mark.parametrize("shape", SHAPES)
def test_a_value_is_found_in_every_form(shape: str) -> None:
    Secret(VALUE)
    quoted = SHAPES[shape](VALUE.encode())
    for before, after in (("", ""), ("refused: ", " (opc-request-id X)"), ('{"content":"', '"}')):
        covered = redact(before + quoted + after)
        assert COVER in covered and searched(VALUE).find(covered.encode()) is None
        assert covered.startswith(before) and covered.endswith(after)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_piece_of_a_form_is_found(shape: str) -> None:
    Secret(VALUE)
    quoted = SHAPES["as it is" if shape == "inside a larger base64" else shape](VALUE.encode())
    ends = 8 if "base64 of base64" in shape else 4  # of base64 they mix with their neighbours
    for start in range(ends, len(quoted) - PIECE - ends):
        assert redact(f"see <{quoted[start : start + PIECE]}> there") == f"see <{COVER}> there"


def test_what_is_no_value_stays() -> None:
    for number in range(50):
        Secret(f"sk-{random.Random(number).randbytes(30).hex()}")
    text = (
        "ocid1.generativeaiapikey.oc1.us-chicago-1.amaaaaaagefvzcnbpqrwsdbnlnvqpwkcjcaovhsuhrpmhgcnxvw and ApiKey/chat, "
        "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com/20231130/actions/v1, sk-9fQ****dEvZ, "
        "é\\u00e8\\u00ea%20%C3%A9, 3f786850e387550fdab836ed7e6dc881de23001b\n"
    ) * 20
    assert redact(text) is text


def test_an_error_is_made_without_values() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() not in str(IacError(f"refused: {VALUE}", hint=f"do not type {VALUE}"))
    failure = ServiceFailure(f"x {VALUE}", operation="CreateSecret", code=VALUE, request_id=VALUE, hint=VALUE)
    said = f"{failure} {failure.message} {failure.code} {failure.request_id} {failure.hint} {failure.args}"
    assert searched(VALUE).find(said.encode()) is None


def test_a_document_is_not_taken_for_a_value() -> None:
    Secret.document(f'{{"OPENAI_BASE_URL": "https://inference.example/20231130", "OPENAI_API_KEY": "{VALUE}"}}')
    assert redact("https://inference.example/20231130") == "https://inference.example/20231130"


@given(
    value=st.text(min_size=12, max_size=80).filter(lambda text: len(text.strip()) >= 8),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_any_value_is_found_in_any_text(value: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(value)
    assert value not in redactor.redact(f"{before}{value}{after}").replace(COVER, "\0")


def test_values_come_and_texts_go_in_many_threads() -> None:
    redactor, wrong = Redactor(), []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            value = f"sk-{chance.randbytes(24).hex()}"
            redactor.add(value)
            if value in redactor.redact(f"no {value} here"):
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_large_text_is_looked_at_once() -> None:
    """The work grows with the text, not with the number of values: counted in looks at the index."""

    class Counting(array):  # type: ignore[type-arg]
        looks = 0

        def __getitem__(self, at: object) -> Any:
            self.looks += 1
            return super().__getitem__(at)  # type: ignore[index]

    redactor = Redactor()
    for number in range(300):
        redactor.add(f"sk-{random.Random(number).randbytes(24).hex()}")
    redactor.redact("sk-nothing-of-theirs")
    heads, before = (Counting("I", one) for one in redactor._index.chains)
    redactor._index.chains = heads, before
    text = "word and wörd and ocid1.policy.oc1..aaaaaaaabbbbbbbbccccccccdddddddd " * 2000
    assert redactor.redact(text) is text
    assert 0 < heads.looks <= len(text)
    assert before.looks <= len(text)  # entries that share a hash: with half of the slots taken at most, one in two


def test_the_index_is_small() -> None:
    """In bytes an entry: two thousand values have some 300,000 of them."""
    redactor = Redactor()
    for number in range(200):
        redactor.add(f"sk-{random.Random(number).randbytes(40).hex()}")
        redactor.redact("sk-nothing-of-theirs")
        index = redactor._index
        size = sum(map(sys.getsizeof, (index._places, *index.chains)))
        assert size <= 52 * len(index) + 1000, number  # what arrays hold in reserve included


def quotations(value: str) -> dict[str, str]:
    """Texts from outside that quote a value which nobody told this run, as they are or encoded."""
    bundle = json.dumps({"OPENAI_API_KEY": value, "OPENAI_BASE_URL": "https://example.invalid/openai/v1"}).encode()
    encoded = base64.b64encode(bundle).decode()
    return {
        "as it is": f"refused: {value} is known already",
        "json": json.dumps({"keys": [{"keyName": "one", "key": value}]}),
        "base64": f'{{"secretBundleContent":{{"contentType":"BASE64","content":"{encoded}"}}}}',
        "base64 for URLs": f"GET /store?value={base64.urlsafe_b64encode(bundle).decode()}",
        "base64 in a run of other characters": "a" + "bc"[: len(encoded) % 3] + encoded,
        "base64 of base64": f"body {base64.b64encode(encoded.encode()).decode()}",
        "base64 in lines": "data:\n" + "\n  ".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)),
        "hex": f"0x{bundle.hex()}",
        "hex with spaces": f"body of {bundle.hex(' ')}",
        "hex of base64": encoded.encode().hex(),
    }


@pytest.mark.parametrize("how", quotations("sk-"))
def test_a_value_that_only_a_foreign_text_knows_is_covered(how: str) -> None:
    """A refused GetSecretBundle quoted another version's value in base64, and it was printed."""
    chance = random.Random(how)
    for _ in range(20):
        value = "sk-" + "".join(chance.choices(string.ascii_letters + string.digits, k=48))
        text = quotations(value)[how]
        searched = SearchedValues([value])
        assert searched.find(text.encode()) is not None or "of base64" in how
        for end in {len(text), *chance.sample(range(len(text)), 20)}:
            forget_all()
            register_quoted(text[:end])
            said = redact(text[:end])
            assert searched.find(said.encode()) is None, said
    forget_all()


@pytest.mark.parametrize("letter", ["a", "ab", "QUFB"])
def test_a_value_that_repeats_itself_takes_no_longer(letter: str) -> None:
    """Each of its 6-grams is everywhere in it: all pairs of places were compared, which took minutes."""
    redactor, text = Redactor(), letter * 20_000
    redactor.add(text)
    assert redactor.redact(f"before {text} behind") == f"before {COVER} behind"


def test_a_foreign_text_without_a_value_hides_nothing() -> None:
    forget_all()
    text = (
        "NotAuthorizedOrNotFound: task-management-service in ocid1.compartment.oc1..aaaaaaaa2yeydlcpxxktfbqpzdhs7qvsx5lzdzdtgmwz: "
        "key: value-of-a-field, 0123456789abcdef0123456789abcdef, /20160918/policies/dGhpcyBpcyBub3QgYSB2YWx1ZSBhdCBhbGw"
    )
    register_quoted(text)
    assert redact(text) == text


def test_a_number_of_four_digits_is_no_dump_of_bytes() -> None:
    """The last line of an apply of 1,000 changes had every value indexed as a dump."""
    redactor = _knowing(10)
    redactor.redact("Apply complete!")
    few = len(redactor._index)
    redactor.redact("Apply complete! Resources: 1000 added, 2026 changed, 0 destroyed.")
    assert len(redactor._index) == few
    assert COVER in redactor.redact(f"{VALUE}007".encode().hex(" ", -2))
