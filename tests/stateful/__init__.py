"""Rule-based state machines: edits, drift, time, faults and kills in any order, each step held to a reference model."""
