"""Run ``python -m ssbchar``."""

from ssbchar.cli import main

raise SystemExit(main())
