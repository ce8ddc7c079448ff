"""Trials: cases with known truth from forward models apart from the project's own (and from its
own), run from files to verdict in process, judged against the truth: see docs/trials.md."""
