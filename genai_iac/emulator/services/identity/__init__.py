"""Identity, version 20160918: compartments, policies, groups, users, domains, the tenancy itself. Writes go to the home region."""

from genai_iac.emulator.services.identity import (
    compartments,
    domain_groups,
    domains,
    groups,
    policies,
    tag_defaults,
    tag_namespaces,
    tenancies,
    token_exchange,
    users,
    work_requests,
)

OPERATIONS = (
    *tenancies.OPERATIONS,
    *compartments.OPERATIONS,
    *compartments.MOVE_OPERATIONS,
    *policies.OPERATIONS,
    *groups.OPERATIONS,
    *groups.DYNAMIC_GROUP_OPERATIONS,
    *domains.OPERATIONS,
    *domain_groups.OPERATIONS,
    *users.OPERATIONS,
    *users.KEY_OPERATIONS,
    *groups.MEMBERSHIP_OPERATIONS,
    *work_requests.OPERATIONS,
    *tag_namespaces.OPERATIONS,
    *tag_namespaces.DEFINITION_OPERATIONS,
    *tag_defaults.OPERATIONS,
    *token_exchange.OPERATIONS,
)

WORKS = {**compartments.WORKS, **compartments.MOVE_WORKS, **domains.WORKS}
