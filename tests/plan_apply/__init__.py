"""The whole loop, from manifests to a tenancy and back, through the real SDK over HTTP."""
