"""Walks through any states: edits, drift, time, faults and kills in any order, each step held to a reference model."""
