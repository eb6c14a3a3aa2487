"""The regions that the local tenancy knows, and those where API keys were launched."""

from genai_iac.iam_policy.region_keys import REGION_KEYS

REGIONS = REGION_KEYS

# the six regions Generative AI API keys were launched in
LAUNCH_REGIONS = (
    "us-ashburn-1",
    "us-chicago-1",
    "us-phoenix-1",
    "eu-frankfurt-1",
    "ap-hyderabad-1",
    "ap-osaka-1",
)
