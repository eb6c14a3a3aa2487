"""Service limits, version 20190729: those that the emulator holds its callers to."""

from genai_iac.emulator.services.limits.operations import OPERATIONS

__all__ = ["OPERATIONS"]
