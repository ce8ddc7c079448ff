"""Files that come with the package beside its modules: the workflow with its profiles, the phases,
the configs of the demonstrations.

They stand at the top of the repository; a wheel carries them inside the package.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

INSIDE = "shipped"
"""Folder of the installed package that holds them."""


def find_shipped(name: str) -> Path:
    """Return the path of a file or folder that comes with the package.

    Parameters
    ----------
    name : str
        Its path in the repository, such as ``workflow/Snakefile``.

    Raises
    ------
    FileNotFoundError
        The package was installed without it.
    """
    package = Path(str(resources.files("ssbchar")))
    for home in (package / INSIDE, package.parent):
        if (home / name).exists():
            return home / name
    raise FileNotFoundError(f"{name} is missing beside the package in {package}; install it anew")


def prefer_own(name: str) -> str:
    """Return a path as it stands if the working folder has it, else that of the shipped file.

    Parameters
    ----------
    name : str
        A path in the repository and, where the user has his own file, in the working folder.
    """
    return name if Path(name).exists() else str(find_shipped(name))
