"""Tests of genai_iac.policy."""
