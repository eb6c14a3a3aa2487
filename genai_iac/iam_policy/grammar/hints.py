"""The likely fix for a statement that cannot be read, from the token at which reading stopped and those around it."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from genai_iac.iam_policy.grammar.tokens import END, STARTS, WORD, Token
from genai_iac.iam_policy.parser import ErrorPosition, find_comment, find_invalid_character
from genai_iac.iam_policy.syntax_tree import VERBS


def find_hint(
    text: str, tokens: Sequence[Token], index: int, expected: tuple[str, ...], opened: Sequence[int]
) -> str | None:
    """What to type instead, or None when nothing is likelier than the rest.

    Args:
        text: the statement.
        tokens: all of them.
        index: of the token where reading stopped.
        expected: what would have been accepted.
        opened: offsets of open braces.
    """
    place = ErrorPosition(text, tokens[index], tokens[index - 1] if index else None, expected, opened)
    return next((hint for rule in _RULES if (hint := rule(place)) is not None), None)


def close_match(word: str, known: Sequence[str], likeness: float = 0.7) -> str | None:
    """The known word that ``word`` is most likely a typo of, or None if none is that like (1: the same).

    Args:
        word: as written; case does not count.
        known: in lower case.
        likeness: from 0 to 1; the ratio of difflib.
    """
    found = get_close_matches(word.lower(), known, n=1, cutoff=likeness)
    return found[0] if found else None


_ANOTHER = "here begins another statement; make it an item of its own"


def _next_statement(place: ErrorPosition) -> str | None:
    """A statement behind a whole one, in the same item of a list."""
    is_start = place.token.kind == WORD and place.token.folded in STARTS
    return _ANOTHER if is_start and ("the end" in place.expected or "`where`" in place.expected) else None


def _unclosed(place: ErrorPosition) -> str | None:
    """A brace or bracket that is never closed: the hint names where it was opened."""
    if place.opened and (place.token.kind == END or place.token.folded in ("in", "where")):
        start = place.opened[-1]
        closing = "}" if place.text[start] == "{" else ")"
        return f"the {place.text[start]} at column {start + 1} is never closed; add {closing}"
    return None


def _missing_id(place: ErrorPosition) -> str | None:
    """`id` without an OCID behind it, or an OCID without `id` before it."""
    before = place.before
    word = place.token.folded
    if before is not None and before.folded == "id" and "an OCID" in place.expected and word[:3] in ("ocd", "oci"):
        return "an OCID starts with ocid1."
    if before is not None and before.folded == "id" and "an OCID" in place.expected:
        return "an OCID starts with ocid1.; leave `id` out to give a name"
    if before is not None and before.folded.startswith("ocid1.") and place.token.folded == "id":
        return "`id` comes before the OCID"
    return None


def _verb(place: ErrorPosition) -> str | None:
    """A verb of another cloud or API in place of OCI's four, or a verb joined to the resource type."""
    if "a verb" not in place.expected or place.token.kind != WORD:
        return None
    word = place.token.folded
    for verb in VERBS:
        if word.startswith((verb + "-", verb + "_")):
            return f"write `{verb} {word[len(verb) + 1 :]}`"
    if word in _VERBS:
        return f"did you mean `{_VERBS[word]}`?"
    guess = close_match(word, VERBS)
    return f"did you mean `{guess}`?" if guess else "the verbs are " + ", ".join(VERBS)


# Words of other policy languages, and the verb that gives what they usually mean.
_VERBS = {
    "list": "inspect",
    "view": "read",
    "get": "read",
    "write": "manage",
    "create": "manage",
    "delete": "manage",
    "update": "use",
    "admin": "manage",
    "administer": "manage",
    "access": "use",
    "all": "manage",
}


def _glued_subject(place: ErrorPosition) -> str | None:
    """groupDevelopers: the keyword and the name without a blank."""
    if "a subject" not in place.expected or place.token.kind != WORD:
        return None
    for kind in ("dynamic-group", "group", "service"):
        rest = place.token.text[len(kind) :]
        if place.token.folded.startswith(kind) and rest[:1].isalnum():
            return f"write `{kind} {rest}`"
    return None


def _subject(place: ErrorPosition) -> str | None:
    """A subject without its keyword, or one that OCI does not have, such as a single user."""
    if "a subject" not in place.expected or place.token.kind != WORD:
        return None
    word = place.token.folded
    if word == "user":
        return "grant to a group, or to any-user where request.user.id = 'ocid1.user…'"
    for kind in ("dynamic-group", "group", "service"):
        if word.startswith((kind + "-", kind + "_")):
            return f"write `{kind} {place.token.text[len(kind) + 1 :]}`"
    guess = close_match(word.replace("_", "-"), _SUBJECTS)
    return f"did you mean `{guess}`?" if guess else f"put `group` before the name: `group {place.token.text}`"


_SUBJECTS = ("group", "dynamic-group", "any-user", "any-group", "service", "resource")


def _start(place: ErrorPosition) -> str | None:
    """Something else than one of the five words with which a statement begins."""
    if "`allow`" not in place.expected:
        return None
    if place.token.kind == END:
        return "a statement looks like `allow group NAME to VERB RESOURCE-TYPE in compartment NAME`"
    if place.token.text in ("/", "{") or place.token.kind != WORD:
        return None
    if place.token.folded in _SUBJECTS:
        return "start with `allow`"
    guess = close_match(place.token.folded, ("allow", "deny", "admit", "endorse", "define"))
    return f"did you mean `{guess}`?" if guess else None


def _place_word(place: ErrorPosition) -> str | None:
    """A location that lacks `in` or `compartment`, or that only another kind of statement can have."""
    word = place.token.folded
    if "a location" in place.expected and word == "the":
        return "leave out `the`: `in tenancy`, `in compartment NAME`"
    if word == "id" and place.before is not None and place.before.folded in ("any-user", "any-group"):
        return f"`{place.before.folded}` takes no id; write `group id OCID`, or where request.user.id = 'ocid1.user…'"
    if "`in`" in place.expected and word in ("on", "within", "from", "at"):
        return f"write `in` instead of `{word}`"
    if "`in`" in place.expected and word in ("tenancy", "compartment"):
        return f"put `in` before `{word}`"
    if "a location" in place.expected and word == "any-tenancy":
        return "only endorse reaches other tenancies"
    if "a location" in place.expected and place.token.kind == WORD:
        return f"write `compartment {place.token.text}`, or `tenancy`"
    if "a compartment name" in place.expected:
        return "give the compartment's name, its path a:b:c, or `id` and its OCID"
    return None


def _joining(place: ErrorPosition) -> str | None:
    """Conditions joined by `and` or `or`: the language has `all {...}` and `any {...}`."""
    word = place.token.folded
    if word in ("and", "&", "&&", "or", "|", "||"):
        mode = "all" if word in ("and", "&", "&&") else "any"
        return f"join conditions as {mode} {{a = 'x', b = 'y'}}"
    if word == "," and "the end" in place.expected and _behind_where(place):
        return "put several conditions in all {…} or any {…}"
    if word == "where" and "the end" in place.expected:
        return "a statement has one `where`; put all conditions in all {…}"
    return None


def _behind_where(place: ErrorPosition) -> bool:
    return " where " in place.text[: place.token.start].lower()


def _variable(place: ErrorPosition) -> str | None:
    """A condition that begins with something that cannot be a variable."""
    if "a variable" in place.expected and "a condition" in place.expected and place.token.kind == WORD:
        return "variables look like request.user.id"
    return None


def _operator(place: ErrorPosition) -> str | None:
    """An operator of another language, such as `like`."""
    if "`(`" in place.expected and place.before is not None and place.before.folded == "in":
        return "write in ('a', 'b')"
    if "an operator" not in place.expected:
        return None
    word = place.token.folded
    if word in ("is", "equals", "eq", "like", "matches", "contains"):
        return f"write `=` instead of `{word}`; patterns look like /name*/"
    if word == "<":
        return "the operators are = and !=, in (…), before, after and between"
    return None


def _value(place: ErrorPosition) -> str | None:
    """A value without quotes, or an empty one."""
    if "a quoted value" not in place.expected:
        return None
    token = place.token
    if token.folded == "=":
        return "a single = compares"
    if token.text == "''":
        return "a value cannot be empty"
    if token.kind == WORD:
        return f"put the value in quotes: '{token.text}'"
    return None


def _leftover(place: ErrorPosition) -> str | None:
    """Text behind a complete statement."""
    if "the end" not in place.expected:
        return None
    if place.token.text == "/":
        return "a path of compartments is written a:b:c"
    if place.token.kind == WORD and place.before is not None and place.before.folded == "tenancy":
        return "only endorse names a tenancy; here it is `tenancy` alone"
    if place.token.kind == WORD and "`where`" in place.expected:
        return "conditions begin with `where`; names with spaces need quotes"
    return "delete what follows" if place.token.text in ("}", ")", ",") else None


def _spaced_name(place: ErrorPosition) -> str | None:
    """A name with a space and without quotes."""
    before = place.before
    if "`to`" in place.expected and place.token.kind == WORD and before is not None and before.kind == WORD:
        if place.token.folded in VERBS:
            return f"put `to` before `{place.token.text}`"
        if place.token.folded == "of":
            return "only admit takes `of tenancy`"
        if before.folded == "id":
            return "only groups and dynamic groups are given by id"
        return f"a name with spaces needs quotes: '{before.text} {place.token.text}'"
    return None


# In this order: the first rule with an answer wins, so the more specific ones come
# first.
_RULES: tuple[Callable[[ErrorPosition], str | None], ...] = (
    find_comment,
    _next_statement,
    _operator,
    find_invalid_character,
    _unclosed,
    _missing_id,
    _start,
    _glued_subject,
    _subject,
    _verb,
    _place_word,
    _joining,
    _variable,
    _value,
    _spaced_name,
    _leftover,
)
