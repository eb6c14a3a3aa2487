"""Runs that end anywhere: killed, interrupted, refused by the disk. What is left, and what the next apply makes of it."""
