"""Distances between arms, each with its nulls."""
