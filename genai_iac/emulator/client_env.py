"""What points other clients at a local emulator: environment variables, each client's own."""

import configparser
from pathlib import Path

from genai_iac.emulator.auth.profiles import DEFAULT_PROFILE

# the names terraform-provider-oci has for its clients
_TERRAFORM_CLIENTS = (
    "oci_identity.IdentityClient",
    "oci_generative_ai.GenerativeAiClient",
    "oci_vault.VaultsClient",
    "oci_secrets.SecretsClient",
    "oci_kms.KmsVaultClient",
    "oci_kms.KmsManagementClient",
    "oci_object_storage.ObjectStorageClient",
    "oci_resource_search.ResourceSearchClient",
)


def shell_exports(url: str, config_file: Path | str, region: str | None = None) -> dict[str, str]:
    """The environment that points genai-iac, oci-cli, the OCI SDKs, terraform-provider-oci and OpenAI clients at `url`.

    `region`: the long name of the one that those clients mean; without it the home region. genai-iac itself is given no
    region, since it chooses one for each call.
    """
    chosen = url if region is None else f"{url}/r/{region}"
    region = region or _region_of(Path(config_file))
    return {
        "GENAI_IAC_ENDPOINT": url,
        "GENAI_IAC_CONFIG_FILE": str(config_file),
        "GENAI_IAC_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_ENDPOINT": chosen,
        "OCI_CLI_CONFIG_FILE": str(config_file),
        "OCI_CLI_PROFILE": DEFAULT_PROFILE,
        "OCI_CLI_REGION": region,
        "OCI_CONFIG_FILE": str(config_file),
        "OCI_REGION": region,
        "TF_VAR_region": region,
        "TF_VAR_config_file_profile": DEFAULT_PROFILE,
        "CLIENT_HOST_OVERRIDES": ";".join(f"{client}={chosen}" for client in _TERRAFORM_CLIENTS),
        "OPENAI_BASE_URL": f"{url}/r/{region}/20231130/actions/v1",
    }


def _region_of(config_file: Path) -> str:
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    parser.read(config_file, "utf-8")
    return parser[DEFAULT_PROFILE]["region"]
