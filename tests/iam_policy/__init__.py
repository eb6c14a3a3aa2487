"""Tests of genai_iac.iam_policy."""
