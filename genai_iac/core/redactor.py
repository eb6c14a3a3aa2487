"""The redactor: covers every value that this run has held in text that came from outside, in any form it may be quoted in.

A refused CreateSecret whose error text quoted the request once printed the base64 of every value in it. So every `Secret` registers
itself here, every `IacError` goes through `redact` as it is made, and so does everything that the command line prints.

How it finds a piece fast: of each form of each value the 6-grams at every seventh place are indexed. A run of 12 characters that
text and form share has seven 6-grams in a row, so one of them is in the index; from there the match is extended both ways.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from urllib.parse import quote, quote_plus

PIECE = 12  # characters in a row that give a value away
COVER = "[secret]"
_GRAM = 6  # characters; short enough that every piece of 12 contains an indexed one
_SHORTEST = 8  # characters; what is shorter is no key, and would cover words
_LONGEST = 64 * 1024  # characters; of a longer value, which no service makes, so many are known
_MOST_PLACES = 32  # of one 6-gram in one form
_LONGEST_FORM = 1 << 22  # characters, more than any form of a value of 64K has
_RUN = re.compile(r"\S{6,}|[0-9A-Fa-f, \t]{12,}")  # hex and lists of bytes may be written with spaces


class Redactor:
    """Some values, and text freed from them. Safe to share between threads.

    Args:
        piece: how many characters in a row are covered. Shorter pieces of a value are left,
            because common words would match.
    """

    def __init__(self, piece: int = PIECE) -> None:
        self._piece = piece
        self._step = piece - _GRAM + 1
        self._values: list[str] = []  # in the order in which they were added
        self._known: set[str] = set()  # the same
        self._learned = [0] * len(_FAMILIES)  # of each family of forms, how many of the values are in the index
        self._forms: list[str] = []  # all that are in the index
        self._index = _GramTable(self._forms)
        self._spaced = False  # a form has white space in it: then runs of other characters are not enough to look at
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """One more value. Cheap: its forms are made when a text is looked at next.

        Values under 8 characters are not added.
        """
        if len(value) >= _SHORTEST and value.strip():
            with self._lock:
                if value not in self._known:
                    self._known.add(value)
                    self._values.append(value)

    def redact(self, text: str) -> str:
        """The text with every piece of every value covered; the same object when there is none.

        Covers a piece in any of its `forms`, in upper or lower case.

        Args:
            text: of any length; it is looked at once, whatever the number of values
            (tests/core/test_redact.py, test_a_large_text_is_looked_at_once).
        """
        if not self._values or not text:
            return text
        folded = _fold(text)
        for number, (sign, _) in enumerate(_FAMILIES):
            if self._learned[number] == len(self._values):
                continue
            if sign is None or self._piece < PIECE or sign.search(folded):
                self._learn(number)
        hidden = self._find(text, folded)
        return _cover(text, hidden) if hidden else text

    def _learn(self, number: int) -> None:
        """Index the forms of one family of the values added since the last text that may hold one."""
        with self._lock:
            for value in self._values[self._learned[number] :]:
                value = value[:_LONGEST]
                self._spaced = self._spaced or any(character.isspace() for character in value)
                for form in {_fold(form) for form in _FAMILIES[number][1](value)}:
                    self._learn_form(form)
                self._learned[number] += 1  # only now: who sees all of them counted must find them in the index

    def _learn_form(self, form: str) -> None:
        """Index one form: its 6-grams at every seventh character, and its last one."""
        # the end too, so that a value that is no longer than a piece is found whole
        last = max(0, len(form) - _GRAM)
        starts = [*range(0, last, self._step), last]
        if len(starts) > _MOST_PLACES:
            times = defaultdict[str, Iterator[int]](count)  # a value of one letter has the same 6-gram everywhere
            starts = [start for start in starts if next(times[form[start : start + _GRAM]]) < _MOST_PLACES]
        self._forms.append(form)
        self._index.add(starts)

    def _find(self, text: str, folded: str) -> bytearray | None:
        """Which characters are to be covered; None when none is."""
        index, hidden = self._index, None
        heads, before = index.chains
        mask = len(heads) - 1
        spans = [(0, len(text))] if self._spaced else [found.span() for found in _RUN.finditer(folded)]
        for begin, end in spans:
            for at in range(begin, end - _GRAM + 1):
                entry = heads[hash(folded[at : at + _GRAM]) & mask]
                # What is covered is not looked at again, or a text of one letter would take hours. Of a match that goes on
                # behind it the rest is found from there; what no 6-gram begins in is shorter than one.
                if not entry or (hidden and hidden.find(b"\0", at, at + _GRAM) < 0):
                    continue
                for form, start in index.places(folded[at : at + _GRAM], entry, before):
                    first, last = _extend(folded, at, form, start)
                    if last - first >= min(self._piece, len(form)):
                        # One byte per character, so that overlapping matches merge without sorting them.
                        hidden = hidden or bytearray(len(text))
                        hidden[first:last] = b"\1" * (last - first)
        return hidden


class _GramTable:
    """Where 6-grams stand in forms: a hash table in arrays of numbers.

    Two thousand values have some 300,000 places. A dictionary of them took 190 bytes each, which was half of the memory of an
    apply; this takes 20 to 44. One thread adds; others read beside it, so what they read together is replaced together.
    """

    def __init__(self, forms: list[str]) -> None:
        self._forms = forms
        # of each entry the number of the form times _LONGEST_FORM, plus where in the form
        self._places = array("Q", [0])
        # by hash the entry that was added last, 0 for none; and of each entry the one of the same hash that was added before it
        self.chains = array("I", [0]), array("I", [0])

    def __len__(self) -> int:
        return len(self._places) - 1

    def add(self, starts: Sequence[int]) -> None:
        """Where the 6-grams of the last form begin that are to be found."""
        form, first = self._forms[-1], (len(self._forms) - 1) * _LONGEST_FORM
        self._places.extend([first + start for start in starts])
        if 2 * len(self._places) > len(self.chains[0]):
            size = 1 << (4 * len(self._places)).bit_length()
            chains = array("I", [0]) * size, array("I", [0])
            self._link(*chains)
            self.chains = chains
            return
        heads, before = self.chains
        mask, entry = len(heads) - 1, len(before)
        for start in starts:
            slot = hash(form[start : start + _GRAM]) & mask
            before.append(heads[slot])
            heads[slot] = entry
            entry += 1

    def places(self, gram: str, entry: int, before: array[int]) -> Iterator[tuple[str, int]]:
        """The forms that have a 6-gram, and where, from the entry that its hash has."""
        while entry:
            number, start = divmod(self._places[entry], _LONGEST_FORM)
            if self._forms[number].startswith(gram, start):
                yield self._forms[number], start
            entry = before[entry]

    def _link(self, heads: array[int], before: array[int]) -> None:
        """Have all entries found by chains that have none yet."""
        forms, mask = self._forms, len(heads) - 1
        for entry, place in enumerate(self._places[len(before) :], len(before)):
            start = place % _LONGEST_FORM
            slot = hash(forms[place // _LONGEST_FORM][start : start + _GRAM]) & mask
            before.append(heads[slot])
            heads[slot] = entry


def forms(value: str) -> Iterator[str]:
    """What a program may turn a value into: base64 (also of base64), hex, escapes, lists of bytes, and itself backwards.

    Yields:
        Some forms twice for simple values; callers use a set.
    """
    for _, family in _FAMILIES:
        yield from family(value)


def _plain(value: str) -> Iterator[str]:
    raw = _bytes(value)
    yield from (value, value[::-1], quote(value, safe="", errors="replace"), quote_plus(value, errors="replace"))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for encoded in (*_base64(raw), *_base64(value.encode("utf-16-le", "surrogatepass"))):
        yield from (encoded, encoded.translate(str.maketrans("+/", "-_")), quote(encoded, safe=""))
    for encoded in _base64(raw):  # content of a Vault secret, in a request that is quoted encoded
        yield from _base64(encoded.encode())


def _hex(value: str) -> Iterator[str]:
    raw = _bytes(value)
    yield from (raw.hex(), raw[::-1].hex(), *(encoded.encode().hex() for encoded in _base64(raw)))


def _dumped(value: str) -> Iterator[str]:
    """Bytes apart, and in groups of two."""
    raw = _bytes(value)
    yield from (raw.hex(" "), raw.hex(":"), raw.hex(" ", -2), raw[1:].hex(" ", -2))


def _listed(value: str) -> Iterator[str]:
    yield from (separator.join(str(byte) for byte in _bytes(value)) for separator in (", ", ","))


def _escaped(*templates: str) -> Callable[[str], Iterator[str]]:
    """Each byte (or, in a template that names a `character`, each character) as an escape of its own."""

    def family(value: str) -> Iterator[str]:
        raw = _bytes(value)
        for template in templates:
            if "character" in template:
                yield "".join(template.format(character=ord(character)) for character in value)
            else:
                yield "".join(template.format(byte) for byte in raw)

    return family


def _spread(value: str) -> Iterator[str]:
    yield "\0".join(value)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


# Families of forms, and what every run of `PIECE` characters of one has in it, in lower case: a text without that holds none, and
# the family is not indexed for it. With all of them indexed, two hundred values took 30 MB and a third of the CPU of a plan.
_FAMILIES: tuple[tuple[re.Pattern[str] | None, Callable[[str], Iterator[str]]], ...] = (
    (None, _plain),
    (re.compile("[0-9a-f]{12}"), _hex),
    (
        re.compile("[0-9a-f]{2}[ :][0-9a-f]{2}[ :]|[0-9a-f]{2}[ ][0-9a-f]{4}[ ][0-9a-f]{2}|([ ][0-9a-f]{4}){2}[ ]"),
        _dumped,
    ),
    (re.compile(",[ ]?[0-9]{1,3},"), _listed),
    (re.compile("%"), _escaped("%{:02x}")),
    (re.compile("="), _escaped("={:02x}")),
    (re.compile("&"), _escaped("&#{character};", "&#x{character:x};")),
    (re.compile(r"\\"), _escaped("\\x{:02x}", "\\{:03o}", "\\u{character:04x}", "\\u{{{character:x}}}")),
    (re.compile("\0"), _spread),
)


def _base64(raw: bytes) -> Iterator[str]:
    """At each offset; the first characters mix with whatever precedes the value, and so do the last with what follows."""
    for before in range(3):
        yield base64.b64encode(b"\0" * before + raw).decode()[before + 1 if before else 0 :].rstrip("=")


def _fold(text: str) -> str:
    """The text in one case, each character still at its place."""
    # A few characters get longer in lower case (`İ`); they are left, so that positions in
    # both texts agree.
    lower = text.lower()
    # `Σ` has another lower case at the end of a word, which a piece of a text need not show
    if len(lower) == len(text) and "Σ" not in text:
        return lower
    return "".join(character if len(character.lower()) != 1 else character.lower() for character in text)


def _extend(text: str, at: int, form: str, start: int) -> tuple[int, int]:
    """The longest stretch of the text around a shared 6-gram that is a stretch of the form too."""
    first, last = at, at + _GRAM
    before, after = start - 1, start + _GRAM
    while first > 0 and before >= 0 and text[first - 1] == form[before]:
        first, before = first - 1, before - 1
    while last < len(text) and after < len(form) and text[last] == form[after]:
        last, after = last + 1, after + 1
    return first, last


def _cover(text: str, hidden: bytearray) -> str:
    """The text with each marked stretch replaced by one `COVER`.

    The replacement has one length for all, so that the length of a value is not shown.
    """
    pieces: list[str] = []
    at = 0
    while at < len(text):
        end = hidden.find(b"\1", at)
        if end < 0:
            pieces.append(text[at:])
            break
        pieces.extend((text[at:end], COVER))
        at = hidden.find(b"\0", end)
        at = len(text) if at < 0 else at
    return "".join(pieces)


# One for the process: a value must be covered wherever text leaves it.
_OF_RUN = Redactor()


def register_value(value: str) -> None:
    """From now on no text that leaves this run may hold that value.

    Called by `Secret` for every value; nothing else has to register a value.
    """
    _OF_RUN.add(value)


def forget_all() -> None:
    """A new run begins in this process.

    Tests and the Python API run several commands in one process; values of an earlier one
    must not cover text of a later one.
    """
    global _OF_RUN  # there is one run at a time
    _OF_RUN = Redactor()


def redact(text: str) -> str:
    """The text with every piece of every value that this run has held covered."""
    return _OF_RUN.redact(text)


# What the service makes; of a text that was cut off less may be left.
_MADE = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{9,160}")
_MEMBER = re.compile(r"""["'](?:content|key)["']\s*:\s*["']([^"'\s]{20,160})""")  # where its answers have a value
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"[0-9A-Fa-f]{24,}")
_QUOTED = 256 * 1024  # characters of a text that are looked at; of an error far fewer are shown


def register_quoted(text: str, depth: int = 2) -> None:
    """Remember the values of the service's own form that a text from outside quotes, as they are or encoded.

    An error may quote an answer, and with it values that this run never got: the whole content of a Vault secret, in which
    another version's value stood, was printed as base64 (tests/crash/test_leaks.py, a refused GetSecretBundle).

    Args:
        text: an error of a service, a server or a program, before any of it is cut off.
        depth: how many encodings one in another are opened.
    """
    text = text[:_QUOTED]
    for value in (*_MADE.findall(text), *_MEMBER.findall(text)):
        register_value(value)
    for decoded in _decoded(text) if depth else ():
        register_quoted(decoded, depth - 1)


def quote_foreign(text: str, longest: int) -> str:
    """A text from outside as one line without values, at most so long: cut last, because the rest of a value would not be known.

    Args:
        text: as it came.
        longest: characters that are kept.
    """
    register_quoted(text)
    return redact(" ".join(text.split()))[:longest]


def _decoded(text: str) -> Iterator[str]:
    """What is in the text for one who decodes it: hex and base64, also when it is broken into lines."""
    for whole in dict.fromkeys((text, "".join(text.split()))):
        for run in _HEX.findall(whole):
            for skipped in range(2):
                yield bytes.fromhex(run[skipped : skipped + (len(run) - skipped) // 2 * 2]).decode("latin-1")
        for run in _ENCODED.findall(whole):
            for skipped in range(4):  # where a group of four begins is not known
                group = run.translate(_STANDARD)[skipped:]
                yield base64.b64decode(group[: len(group) // 4 * 4]).decode("latin-1")


_STANDARD = str.maketrans("-_", "+/")  # base64 for URLs has two other characters
