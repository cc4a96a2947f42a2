"""Sequences for analysis: opened in Python, as cubes, co-temporal sets, differences and along slits."""
