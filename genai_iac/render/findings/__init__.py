"""Formats of lint findings: text and SARIF. In: findings. Out: text. Must not know: the rules."""
