"""Words of a statement that the service does not know and refuses: resource types, permissions, variables, services.

`certain` is a misspelling of a word that we know, or a permission of a service whose permissions we know all. Everything else is a
warning: the list of resource types was gathered as facts from published policies and Oracle's policy reference, and no such list is
complete. Singular forms are in it where published policies that work use them.
"""

from collections.abc import Iterator

from msgspec import Struct

from genai_iac.iam_policy.condition_variables import VARIABLES, find_variable
from genai_iac.iam_policy.conditions import variables
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.permissions import SERVICES
from genai_iac.iam_policy.syntax_tree import VERBS, Grant, Statement

_PUBLISHED = """
accountmanagement-family agcs-instance agcs-instance-family agent-family ai-service-anomaly-detection-family
ai-service-document-family ai-service-language-family ai-service-speech-family ai-service-vision-family alarms
all-artifacts all-resources analytics-instance analytics-instances announcement-subscriptions announcements
api-certificates api-deployments api-gateway-family api-gateways api-sdks api-subscribers api-usage-plans
api-workrequests apm-domains app-catalog-listing app-catalog-publisher-listing audit-configuration audit-events
authentication-policies auto-scaling-configurations autonomous-backup autonomous-backups
autonomous-container-databases autonomous-database autonomous-database-family autonomous-databases
autonomous-exadata-infrastructures autonomous-transaction-processing-family autonomous-vmclusters availability-domains
backup-destinations backup-policies backup-policy-assignments backups bastion bastion-family bastion-session
bds-instance bds-instance-family blockchain-platforms block-volumes boot-volume-backups boot-volumes bucket
cabundle-associations cabundles capture-filters ccc-infrastructure ccc-upgrade-schedule
ccc-upgrade-schedules certificate-authorities certificate-authority-associations
certificate-authority-bundle certificate-authority-delegates certificate-authority-family cloud-exadata-infrastructures
cloud-guard-config cloud-guard-detectors cloud-guard-family cloud-guard-problems cloud-guard-targets cloud-shell
cloud-shell-public-network cloud-vmclusters cloudevents-rules cluster cluster-family cluster-networks cluster-node-pools
cluster-virtualnode-pools cluster-workload-mappings cluster-work-requests clusters compute-bare-metal-hosts
compute-capacity-reports compute-capacity-reservations compute-clusters compute-container-family
compute-container-instances compute-containers compute-global-image-capability-schema compute-gpu-memory-clusters
compute-gpu-memory-fabrics compute-image-capability-schema compute-local-blocks compute-management-family
compute-network-blocks connect-harness console-histories cost-management-family cpes credentials cross-connect-groups
cross-connects data-catalog-family data-catalogs data-labeling-family data-safe-alerts data-safe-assessment-family
data-safe-audit-family data-safe-family data-safe-report-definitions data-safe-security-assessments
data-science-family data-science-job-runs data-science-jobs data-science-model data-science-model-deployments
data-science-models data-science-modelversionsets data-science-notebook-sessions data-science-pipeline-runs
data-science-pipelines data-science-private-endpoints data-science-projects data-science-work-requests database-family
database-software-image database-tools-connections database-tools-family database-tools-private-endpoints databases
dataflow-application dataflow-family dataflow-run db-backups db-homes db-nodes db-systems dbmgmt-family
dbmgmt-private-endpoints dbmgmt-work-requests dbnode-console-connection dbnode-console-history dbservers
dedicated-vm-hosts desktop-pool desktop-pool-family devops-connection devops-deployment devops-family devops-project
devops-repository-family dhcp-options dis-family dis-work-requests dis-workspaces disaster-recovery-family
disaster-recovery-protection-groups disworkspace dns dns-records dns-resolver dns-resolvers dns-steering-policies
dns-tsig-keys dns-views dns-zones domain domains drg-attachment drg-attachments drg-object drg-route-distribution
drg-route-tables drgs email-domains email-family approved-senders suppressions exadata-infrastructures
execution-windows export-sets external-database-family fast-connects file-family file-systems floating-ips fn-app
fn-function fn-invocation function-family functions-family generic-artifacts goldengate-family group-memberships health-check-family
hsm-cluster identity-providers instance instance-agent-command-execution-family instance-agent-command-family
instance-agent-family instance-agent-plugins instance-configurations instance-console-connection instance-family
instance-image instance-images instance-pools instances integration-instance integration-instances internet-gateways
invoice-preferences invoices ipsec-connections key-delegates leaf-certificate-bundles leaf-certificate-family
leaf-certificates licensing limits load-balancers local-peering-from local-peering-gateways local-peering-to
log-content log-groups loganalytics-collection-warning loganalytics-features-family loganalytics-ingesttime-rule
loganalytics-log-group loganalytics-ondemand-upload loganalytics-resources-family logging-family logs
management-agent-install-keys management-agents management-dashboard management-dashboard-family
management-saved-search metrics mount-targets mysql-backups mysql-family mysql-instances nat-gateways
network-firewall-family network-firewall-policies network-firewalls network-load-balancers network-security-groups
network-sources nosql-family nosql-rows nosql-tables oauth2-clients object ocb-agent ocb-agent-dependency ocb-agents
ocb-asset-source-connectors ocb-asset-sources ocb-connectors ocb-environment ocb-inventory ocb-inventory-asset
ocb-workrequests ocm-migration-family oda-design oda-family oda-instance-resource oda-instances ons-family
ons-subscriptions ons-topics opensearch-cluster opensearch-clusters opensearch-family operator-control-family
opsi-family organizations-family organizations-subscription orm-config-source-providers orm-family orm-jobs
orm-private-endpoints orm-stacks orm-template osmh-family osms-family osms-managed-instances osms-software-sources pluggable-databases
postgres-backups postgres-db-systems private-ips public-ips published-desktop published-desktops queue-family
queue-pull queue-push queues quota quotas redis-family redis-clusters regions remote-peering-connections
remote-peering-from remote-peering-to repos resource-availability route-tables rules scheduling-policies
scheduling-windows schedule-family sddcs secret-replication security-attribute-namespace security-attribute-namespaces
security-lists security-recipe security-zone service-gateways service-principal serviceconnectors stream-family
stream-pull stream-push streampools streams subnets tag-defaults tag-namespace target-databases threat-intel-family
tickets unified-configuration unified-log-content usage-budgets usage-report usage-reports vcns virtual-circuits
virtual-network-family virtualcircuits vlans vmclusters vnic-attachments vnics volume-attachments volume-backups
volume-family volume-group-backups volume-groups volumes vss-family waas-family waf-family waf-policy web-app-firewall
wlms-managed-instance-plugins wlp-agent zpr-configuration zpr-policy
adm-knowledge-bases cloud-autonomous-vmclusters compute-hpc-islands filesystem-snapshot-policies genai-agent-endpoint
genai-agent-family ipv6s media-family recovery-service-family resource-schedule resource-schedule-family vtaps
"""

# Types with a permission table, and those that are only known by name.
RESOURCE_TYPES: frozenset[str] = frozenset(_PUBLISHED.split()).union(
    *(service.types for service in SERVICES), *(service.families for service in SERVICES)
)


_TYPES = tuple(sorted(RESOURCE_TYPES))
_NAMES = tuple(sorted(variable.name for variable in VARIABLES if not variable.name.endswith("*")))
_PERMISSIONS = {
    permission.lower(): permission
    for service in SERVICES
    for kind in service.types.values()
    for verb in VERBS
    for permission in kind.added_by(verb)
}
_RESERVED_SERVICES = frozenset({"any-user", "any-group", "group", "dynamic-group", "resource", "service"})
_SLIP = 0.9  # so like a known word that another meaning is unlikely


class UnknownWord(Struct, frozen=True):
    """A word, what it stands for, its 1-based column, and the known word that it is a typo of."""

    kind: str  # resource type, permission, variable or service
    text: str
    column: int
    guess: str | None  # None when no known word is near

    @property
    def certain(self) -> bool:
        """Whether the service is certain to refuse it."""
        return self.guess is not None or self.kind == "service"

    def __str__(self) -> str:
        return f"{self.text} is no {self.kind} we know"


def find_unknown_words(statement: Statement) -> Iterator[UnknownWord]:
    """The words of a statement that are on none of our lists.

    Yields:
        In the order: services, resource types, permissions, variables. Tag variables are
            never unknown.
    """
    if not isinstance(statement, Grant):
        return
    for member in statement.subject.members if statement.subject.kind == "service" else ():
        if member.text.lower() in _RESERVED_SERVICES:
            yield UnknownWord("service", member.text, member.column, None)
    for resource in statement.resources:
        if resource.text not in RESOURCE_TYPES:
            guess = close_match(resource.text.replace("_", "-"), _TYPES, _SLIP)
            yield UnknownWord("resource type", resource.text, resource.column, guess)
    for permission in statement.permissions:
        folded = permission.text.lower()
        if folded not in _PERMISSIONS:
            found = close_match(folded, tuple(_PERMISSIONS), _SLIP)
            guess = None if found is None else _PERMISSIONS[found]
            yield UnknownWord("permission", permission.text, permission.column, guess)
    for variable in variables(statement.condition):
        name = variable.text.lower()
        if find_variable(name) is None and ".tag." not in name:
            found = close_match(name, _NAMES, _SLIP)
            guess = found if found is not None and found.count(".") == name.count(".") else None
            yield UnknownWord("variable", variable.text, variable.column, guess)
