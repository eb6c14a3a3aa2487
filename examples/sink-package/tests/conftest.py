"""The fixture `tenancy`: the local OCI emulator."""

pytest_plugins = ["genai_iac.testing"]
