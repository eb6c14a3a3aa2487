"""`python -m genai_iac` is `genai-iac`."""

from genai_iac.cli import main

main()
