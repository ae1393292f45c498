"""Witnesses: instances that one schema accepts and the other refuses, found by drawing, shown by validators."""
