"""A page for people at `/`: what is in the tenancy, what was called, and a clock with buttons."""
