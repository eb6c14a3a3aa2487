"""Rotation from the decision to the endpoint, and what `status` and `expiry` say of it."""
