"""The regions that the local emulator knows, and those where API keys were launched."""

from genai_iac.iam_policy.region_keys import REGION_KEYS

REGIONS = REGION_KEYS

# the regions with three availability domains (Oracle's page "Regions and Availability Domains"); the others have one
THREE_DOMAINS = frozenset({"eu-frankfurt-1", "uk-london-1", "us-ashburn-1", "us-chicago-1", "us-phoenix-1"})

# the six regions Generative AI API keys were launched in
LAUNCH_REGIONS = (
    "us-ashburn-1",
    "us-chicago-1",
    "us-phoenix-1",
    "eu-frankfurt-1",
    "ap-hyderabad-1",
    "ap-osaka-1",
)
