"""Statements of every form, as trees."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from genai_iac.iam_policy import (
    Association,
    Comparison,
    ConditionGroup,
    ConditionVariable,
    Definition,
    FunctionCall,
    Grant,
    Location,
    Name,
    Ocid,
    Pattern,
    Presence,
    QuotedValue,
    Subject,
    Word,
)
from genai_iac.iam_policy.syntax_tree import VERBS

_PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ", exclude_characters="\u2028\u2029")
_texts = st.text(_PRINTABLE, min_size=1, max_size=8)
_words = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.@\-]{0,8}\Z")
_types = st.from_regex(r"\A[a-z][a-z0-9\-]{0,12}\Z").filter(lambda text: text not in ("in", "where", "to"))
_ocids = st.from_regex(r"\Aocid1\.[a-z]{1,9}\.oc1\.\.[a-z0-9]{1,9}\Z")
_names = st.one_of(_words, _texts, st.sampled_from(["to", "in", "where", "id", "of", "with", "allow", "any-user"]))
_group_names = st.builds(Name, _names, st.none() | _names)
_groups = st.lists(_group_names | st.builds(Ocid, _ocids), min_size=1, max_size=3).map(tuple)
_subjects = st.one_of(
    st.builds(Subject, st.sampled_from(["any-user", "any-group"])),
    st.builds(Subject, st.sampled_from(["group", "dynamic-group"]), _groups),
    st.builds(Subject, st.just("service"), st.lists(st.builds(Name, _names), min_size=1, max_size=2).map(tuple)),
    st.builds(Subject, st.just("resource"), st.tuples(st.builds(Name, _names, _names))),
)
_resources = st.lists(st.builds(Word, _types), min_size=1, max_size=2).map(tuple)
_permissions = st.lists(st.builds(Word, st.from_regex(r"\A[A-Z][A-Z_]{0,8}\Z")), min_size=1, max_size=3).map(tuple)
_actions = st.one_of(
    st.fixed_dictionaries({"verb": st.sampled_from(VERBS), "resources": _resources}),
    st.fixed_dictionaries({"permissions": _permissions}, optional={"resources": _resources}),
)

_variables = st.builds(ConditionVariable, st.from_regex(r"\A[a-z]{1,6}(\.[a-zA-Z0-9\-]{1,6}){1,3}\Z")).filter(
    lambda variable: not variable.text.startswith("ocid1.")
)
_patterns = st.builds(Pattern, st.from_regex(r"\A[A-Za-z0-9 *_.\-]{1,8}\Z"))
_operands = st.one_of(st.builds(QuotedValue, _texts), _patterns, _variables)
_lists = st.lists(_operands, min_size=1, max_size=3).map(tuple)
_leaves = st.one_of(
    st.builds(Comparison, _variables, st.sampled_from(["=", "!=", "before", "after"]), st.tuples(_operands)),
    st.builds(Comparison, _variables, st.sampled_from(["in", "not in"]), _lists),
    st.builds(Comparison, _variables, st.just("between"), st.tuples(_operands, _operands)),
    st.builds(Presence, _variables, st.booleans()),
    st.builds(
        FunctionCall,
        st.sampled_from(["sets-intersect", "sets-equal"]),
        st.lists(_operands | _lists, min_size=1, max_size=2).map(tuple),
    ),
)
conditions = st.recursive(
    _leaves,
    lambda inner: st.builds(
        ConditionGroup, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=6,
)

_here = st.just(Location("tenancy"))
_paths = st.builds(Location, st.just("compartment"), st.lists(_names, min_size=1, max_size=3).map(tuple))
_by_id = st.builds(lambda ocid: Location("compartment", (), ocid), _ocids)
own = st.one_of(_here, _paths, _by_id)
_anywhere = st.just(Location("any-tenancy"))
_named = st.builds(lambda name: Location("tenancy", tenancy=name), _names)
foreign = st.one_of(
    _anywhere,
    _named,
    st.builds(lambda place, name: Location("compartment", place.path, place.id, name), _paths | _by_id, _names),
)


def _grant(effects: list[str], places: Any, sources: Any) -> Any:
    return st.builds(
        lambda effect, subject, place, action, source, condition: Grant(
            effect, subject, place, source=source, condition=condition, **action
        ),
        st.sampled_from(effects),
        _subjects,
        places,
        _actions,
        sources,
        st.none() | conditions,
    )


_associations = st.builds(
    lambda subject, place, first, second, resource, condition: Grant(
        "endorse", subject, place, "associate", (first,), association=Association(resource, second), condition=condition
    ),
    _subjects,
    own,
    st.builds(Word, _types),
    foreign,
    st.builds(Word, _types),
    st.none() | conditions,
)
_definitions = st.one_of(
    st.builds(Definition, st.sampled_from(["tenancy", "compartment"]), st.builds(Name, _names), _ocids),
    st.builds(Definition, st.sampled_from(["group", "dynamic-group"]), _group_names, _ocids),
)
statements = st.one_of(
    _grant(["allow", "deny"], own, st.none()),
    _grant(["admit", "deny admit"], own, st.none() | _anywhere | _named),
    _grant(["endorse", "deny endorse"], foreign, st.none()),
    _associations,
    _definitions,
)
