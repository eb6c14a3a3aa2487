"""Vault: secrets and their versions (20180608), what is in them (20190301), and a vault and key in each region."""

from genai_iac.emulator.services.vault import bundles, deletions, secrets, vaults

OPERATIONS = (
    *vaults.OPERATIONS,
    *secrets.OPERATIONS,
    *deletions.OPERATIONS,
    *bundles.VERSION_OPERATIONS,
    *bundles.OPERATIONS,
)

WORKS = {**secrets.WORKS, **deletions.WORKS}
