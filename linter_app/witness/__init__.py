"""Witnesses: instances that one schema accepts and the other refuses, generated at random and checked by validators."""
