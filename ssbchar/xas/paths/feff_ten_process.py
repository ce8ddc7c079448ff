"""FEFF10 on the feff.inp of the current folder, in a process of its own: it may crash or hang.

`ssbchar.xas.paths.feff_ten` starts this file; it imports nothing but FEFF's package.
"""

import os
import resource
import signal
import sys
import threading

import feff10

STAGES = ("RDINP", "ATOMIC", "POT", "XSPH", "PATH", "GENFMT", "FF2X")
"""Stages that lead to feffNNNN.dat; the others (full multiple scattering, densities of states,
Compton, ...) do not change it."""


def end_with_parent() -> None:
    """End this process and FEFF's when the one that started it is gone: its pipe then closes."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


def main(seconds: int) -> None:
    """Run FEFF; no stage may take longer than this [s]."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    threading.Thread(target=end_with_parent, daemon=True).start()
    config = feff10.FeffConfig(
        ".",
        feff10.FeffInput.from_file("feff.inp"),
        stages=[getattr(feff10.Stage, name) for name in STAGES],
        stage_timeout=float(seconds),
    )
    feff10.FeffPipeline(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
