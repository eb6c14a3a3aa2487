"""The control API under `/_local`: what a tenancy in the cloud would never let you do."""
