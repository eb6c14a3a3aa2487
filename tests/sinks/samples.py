"""What these tests share with the contract for sinks of third parties."""

from genai_iac.testing.sink_harness import (
    ADDRESS,
    BASE_URL,
    EXPIRES,
    KEY_ID,
    OWNER,
    VALUES,
    delivery,
    item,
    mask,
    traces,
)

__all__ = ["ADDRESS", "BASE_URL", "EXPIRES", "KEY_ID", "OWNER", "VALUES", "delivery", "item", "mask", "traces"]
