"""The sinks: what each promises, and what it takes to break a promise."""
