"""A program that makes only the calls that a piece of work needs, with the bare SDK: what any tool has to pay at least.

    python floor.py list|read|create|keys|groups CONFIG URL COUNT|NAMES

`list` lists the compartments, and the policies of the tenancy: what a plan of one new policy in it has to read. `read` lists
the compartments, and the policies of the compartment `bench`. `create` makes that compartment and so many policies in it.
`keys` makes so many keys there, each with a standby secret that it deactivates, and writes both values to a file (mode 0600,
flushed to the disk). `groups` makes groups of those names (a number, `g0` and on).
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import oci

PARALLELISM = 10
EXPIRY = date.today() + timedelta(90)
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

    if what == "keys":
        region = oci.generative_ai.GenerativeAiClient(
            config, service_endpoint=f"{endpoint}/r/{config['region']}", circuit_breaker_strategy=breaker
        )
        with ThreadPoolExecutor(PARALLELISM) as pool:
            list(pool.map(lambda number: _make_key(region, home, number), range(int(count))))
        return

    def create(number: int) -> None:
        text = STATEMENT.format(compartment=home, number=number)
        details = {"compartmentId": home, "name": f"p{number}", "description": "benchmark", "statements": [text]}
        client.create_policy(details)

    with ThreadPoolExecutor(PARALLELISM) as pool:
        list(pool.map(create, range(int(count))))


def _make_key(client: oci.generative_ai.GenerativeAiClient, home: str, number: int) -> None:
    secrets = [{"keyName": name, "timeExpiry": f"{EXPIRY}T00:00:00Z"} for name in ("key-one", "key-two")]
    details = {"displayName": f"k{number}", "description": "-", "compartmentId": home, "keyDetails": secrets}
    made = client.create_api_key(details).data
    with os.fdopen(os.open(f"k{number}.env", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{one.key_name}={one.key}\n" for one in made.keys)
        file.flush()
        os.fsync(file.fileno())
    client.set_api_key_state(made.id, {"keyName": "key-two", "state": "INACTIVE"})


def _read(client: oci.identity.IdentityClient, root: str, count: int) -> None:
    listed = oci.pagination.list_call_get_all_results
    found = listed(client.list_compartments, root, compartment_id_in_subtree=True, access_level="ANY", limit=1000).data
    home = next(one.id for one in found if one.name == "bench" and one.lifecycle_state == "ACTIVE")
    policies = listed(client.list_policies, home, limit=1000).data
    assert len(policies) == count, len(policies)


if __name__ == "__main__":
    main()
