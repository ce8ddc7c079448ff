"""Pattern formats, which are parsed and never corrected: ``columns``, ``table`` and ``nexus`` each
have one ``extract``, ``recognise`` chooses among them by suffix, the others are what they share.
"""
