"""Damaged and odd raw files: every reader gives the right numbers or one line, whatever comes.

``python -m tests.fuzz`` runs cases, ``python -m tests.fuzz table`` writes docs/fuzz.md.
"""
