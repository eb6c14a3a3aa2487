"""What a rendering shows around a plan: where things are declared, where secrets go, how statements differ, what expires."""

from __future__ import annotations

from collections.abc import Sequence

from genai_iac.cli.workspace import Workspace
from genai_iac.model import Live, Plan
from genai_iac.policy import compare
from genai_iac.render.differences import Edit, line_edits
from genai_iac.render.surroundings import Expiry, Surroundings


def describe_surroundings(workspace: Workspace, live: Live, plan: Plan) -> Surroundings:
    """Gather it from the manifests, the reading and the sinks' names; calls nothing."""
    resources = workspace.manifest.resources
    touched = {change.address for change in plan.changes if change.kills}
    return Surroundings(
        now=live.now,
        sources={address: resource.source for address, resource in resources.items()},
        sinks={
            address: [sink.place for sink in workspace.desk.sinks(resource)] for address, resource in resources.items()
        },
        compare_texts=_compare_statements,
        names={id: live.tree.path(id) for id in live.tree.nodes},
        needs={address: sorted(workspace.manifest.graph.needs(address)) for address in resources},
        expiries=[
            Expiry(address, secret.name, secret.expires, secret.state == "ACTIVE")
            for address, group in sorted(live.owned.items())
            for one in group
            for secret in one.secrets
            if secret.expires is not None and secret.state in ("ACTIVE", "INACTIVE") and address not in touched
        ],
    )


def _compare_statements(before: Sequence[str], after: Sequence[str]) -> Sequence[Edit]:
    """Statements as the policy language sees them: only what differs in meaning, an edit token by token."""
    if not before or not after:
        return line_edits(before, after)
    changes = compare(before, after, None, "")
    return [Edit(change.before, change.after, ", ".join(map(str, change.tokens))) for change in changes]
