"""A SLURM of several nodes on the loopback of one machine, for tests: munged, slurmctld and one
slurmd per node."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol")
CONF = Path("/etc/slurm/slurm.conf")
"""The job step drops SLURM_CONF, so the configuration must stand where the programs look by
default."""

SETTINGS = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=30
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdSpoolDir={folder}/spool.%n
StateSaveLocation={folder}/state
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,sched_interval=2,bf_interval=2
MinJobAge=300
KillWait=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
"""


def missing() -> str:
    """Say why no SLURM can be started here, or nothing."""
    lacking = [
        p
        for p in PROGRAMS
        if shutil.which(p, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None
    ]
    if lacking:
        return f"SLURM is not installed ({', '.join(lacking)}); on Debian: slurm-wlm munge"
    if os.geteuid() != 0:
        return "a SLURM for tests needs root"
    if CONF.exists() and not CONF.is_symlink():
        return f"this machine has a SLURM of its own ({CONF})"
    return ""


@dataclass
class Cluster:
    """Start with `up`, end with `down`; everything lives in one folder."""

    folder: Path
    nodes: int = 2
    cpus: int = 2
    memory_mb: int = 8000
    port: int = 26817
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def up(self, patience: float = 60.0) -> None:
        """Start the daemons and wait until every node is idle."""
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        settings = SETTINGS.format(
            host=socket.gethostname().split(".")[0], folder=self.folder, port=self.port
        )
        for n in range(1, self.nodes + 1):
            (self.folder / f"spool.n{n}").mkdir()
            settings += f"NodeName=n{n} NodeHostname=n{n} NodeAddr=127.0.0.1 Port={self.port + n} "
            settings += f"CPUs={self.cpus} RealMemory={self.memory_mb} State=UNKNOWN\n"
        settings += "PartitionName=work Nodes=ALL Default=YES MaxTime=60 State=UP\n"
        (self.folder / "slurm.conf").write_text(settings)
        CONF.parent.mkdir(exist_ok=True)
        CONF.unlink(missing_ok=True)
        CONF.symlink_to(self.folder / "slurm.conf")
        munge = [
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
        ]
        munge += [f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log"]
        self._start("munged", "munged", *munge, f"--seed-file={self.folder}/munge.seed")
        time.sleep(0.5)
        self._start("slurmctld", "slurmctld", "-D")
        for n in range(1, self.nodes + 1):
            self.start_node(f"n{n}")
        end = time.monotonic() + patience
        while time.monotonic() < end:
            idle = self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()
            if len(idle) == self.nodes:
                return
            time.sleep(0.3)
        raise RuntimeError(f"SLURM did not come up; see {self.folder}")

    def start_node(self, name: str) -> None:
        """Start one node's daemon."""
        self._start(name, "slurmd", "-D", "-N", name)

    def lose_node(self, name: str, patience: float = 60.0) -> None:
        """Stop a node's daemon and all that runs on it, and wait until the controller has it down.

        Raises
        ------
        RuntimeError
            If the controller does not take the node as down within `patience` seconds.
        """
        jobs = self.ask("squeue", "-h", "-w", name, "-t", "running", "-o", "%i").split()
        self.running.pop(name).kill()
        for job in jobs:
            kill_processes_of_job(job)
        end = time.monotonic() + patience
        # A busy controller refuses the first word: it is told until it says so itself.
        while "down" not in self.ask("sinfo", "-h", "-n", name, "-o", "%T"):
            if time.monotonic() > end:
                raise RuntimeError(f"SLURM does not take {name} as down; see {self.folder}")
            self.ask("scontrol", "update", f"nodename={name}", "state=down", "reason=test")
            time.sleep(0.2)
        for job in jobs:
            self.ask("scontrol", "requeue", job)

    def ask(self, *words: str) -> str:
        """Return what a SLURM program prints."""
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=False).stdout

    def finished(self) -> list[dict[str, str]]:
        """Return SLURM's own record of the ended jobs."""
        log = self.folder / "jobs.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def down(self) -> None:
        """End the jobs and the daemons."""
        self.ask("scancel", "-u", "root")
        time.sleep(1)
        for process in reversed(self.running.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if CONF.is_symlink():
            CONF.unlink()

    def _start(self, name: str, program: str, *words: str) -> None:
        path = (
            shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or program
        )
        with open(self.folder / f"{name}.out", "wb") as out:
            self.running[name] = subprocess.Popen(
                [path, *words], stdout=out, stderr=out, start_new_session=True
            )


def kill_processes_of_job(job: str) -> None:
    """Kill the processes that run under a job of SLURM, as the loss of its node would."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = environment.read_bytes().split(b"\0")
            if f"SLURM_JOB_ID={job}".encode() in words:
                os.kill(int(environment.parent.name), signal.SIGKILL)
        except OSError:  # ended meanwhile
            continue
