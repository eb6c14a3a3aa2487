"""Identity, version 20160918: compartments, policies, groups, users, domains, the tenancy itself. Writes go to the home region."""

from genai_iac.emulator.services.identity import (
    compartment_moves,
    compartments,
    domain_groups,
    domains,
    dynamic_groups,
    groups,
    iam_work_requests,
    memberships,
    policies,
    tag_defaults,
    tag_definitions,
    tag_namespaces,
    tenancies,
    token_exchange,
    user_keys,
    users,
    work_requests,
)

OPERATIONS = (
    *tenancies.OPERATIONS,
    *compartments.OPERATIONS,
    *compartment_moves.OPERATIONS,
    *policies.OPERATIONS,
    *groups.OPERATIONS,
    *dynamic_groups.OPERATIONS,
    *domains.OPERATIONS,
    *domain_groups.OPERATIONS,
    *iam_work_requests.OPERATIONS,
    *users.OPERATIONS,
    *user_keys.OPERATIONS,
    *memberships.OPERATIONS,
    *work_requests.OPERATIONS,
    *tag_namespaces.OPERATIONS,
    *tag_definitions.OPERATIONS,
    *tag_defaults.OPERATIONS,
    *token_exchange.OPERATIONS,
)

WORKS = {**compartments.WORKS, **compartment_moves.WORKS, **domains.WORKS}
