"""Completion in a shell: commands, options and choices of the parser, tried in a real shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ssbchar import __version__, cli, completion

ASK = """
COMP_WORDS=({words}) COMP_CWORD={place}
_ssbchar
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def complete(*words: str) -> list[str]:
    script = completion.write_script(cli._make_parser(), "bash")
    quoted = " ".join(f"'{word}'" for word in words)
    asked = script + ASK.format(words=quoted, place=len(words) - 1)
    run = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert not run.stderr
    return run.stdout.split()


def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    assert complete("ssbchar", "che") == ["check"]
    assert complete("ssbchar", "--v") == ["--version"]
    assert {"--cores", "--only", "--dry-run"} <= set(complete("ssbchar", "run", "--"))
    assert complete("ssbchar", "check", "--q") == ["--quick"]
    assert complete("ssbchar", "completion", "fi") == ["fish"]
    (tmp_path / "mine.yaml").touch()
    assert complete("ssbchar", "check", f"{tmp_path}/mi") == [f"{tmp_path}/mine.yaml"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_command_is_in_every_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in ("run", "check", "verify", "diff", "simulate", "completion"):
        assert name in script
    assert "dry-run" in script and "quick" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"ssbchar {__version__}\n"
