"""A program that makes only the calls that a piece of work needs, with the bare SDK: what any tool has to pay at least.

    python floor.py list|read|create|groups CONFIG URL COUNT|NAMES

`list` lists the compartments, and the policies of the tenancy: what a plan of one new policy in it has to read. `read` lists
the compartments, and the policies of the compartment `bench`. `create` makes that compartment and so many policies in it.
`groups` makes groups of those names (a number, `g0` and on).
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import oci

PARALLELISM = 10
STATEMENT = (
    "allow any-user to use generative-ai-chat in compartment id {compartment} "
    "where all {{request.principal.type = 'generativeaiapikey', target.model.id = 'xai.grok-{number}'}}"
)


def main() -> None:
    what, config_file, endpoint, count = sys.argv[1:5]
    config = oci.config.from_file(config_file)
    breaker = oci.circuit_breaker.NoCircuitBreakerStrategy()
    client = oci.identity.IdentityClient(config, service_endpoint=endpoint, circuit_breaker_strategy=breaker)
    root = config["tenancy"]
    if what == "list":
        client.list_compartments(root, compartment_id_in_subtree=True, access_level="ANY", limit=1000)
        client.list_policies(root, limit=1000)
        return
    if what == "read":
        _read(client, root, int(count))
        return
    if what == "groups":
        details = [{"compartmentId": root, "name": f"g{number}", "description": "-"} for number in range(int(count))]
        with ThreadPoolExecutor(PARALLELISM) as pool:
            list(pool.map(client.create_group, details))
        return
    home = client.create_compartment({"compartmentId": root, "name": "bench", "description": "benchmark"}).data.id

    def create(number: int) -> None:
        text = STATEMENT.format(compartment=home, number=number)
        details = {"compartmentId": home, "name": f"p{number}", "description": "benchmark", "statements": [text]}
        client.create_policy(details)

    with ThreadPoolExecutor(PARALLELISM) as pool:
        list(pool.map(create, range(int(count))))


def _read(client: oci.identity.IdentityClient, root: str, count: int) -> None:
    listed = oci.pagination.list_call_get_all_results
    found = listed(client.list_compartments, root, compartment_id_in_subtree=True, access_level="ANY", limit=1000).data
    home = next(one.id for one in found if one.name == "bench" and one.lifecycle_state == "ACTIVE")
    policies = listed(client.list_policies, home, limit=1000).data
    assert len(policies) == count, len(policies)


if __name__ == "__main__":
    main()
