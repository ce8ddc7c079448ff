"""Completion of commands and their options in a shell, from the parser of the command line."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")
BASH = """_ssbchar() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands} {general}" -- "$word"))
        return
    fi
    local words=""
    case "$command" in
{cases}
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
        *) COMPREPLY=($(compgen -W "${{words//--*([^ ])/}}" -- "$word") $(compgen -f -- "$word")) ;;
    esac
}}
shopt -s extglob
complete -o filenames -F _ssbchar ssbchar
"""
ZSH = """#compdef ssbchar
_ssbchar() {{
    local -a commands words
    commands=({described})
    if (( CURRENT == 2 )); then
        _describe command commands
        compadd -- {general}
        return
    fi
    case $words[2] in
{cases}
    esac
    _files
}}
compdef _ssbchar ssbchar
"""
NO_COMMAND = "__fish_use_subcommand"


def write_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return a script that completes the commands of a parser, their options and choices, and file
    names.

    Parameters
    ----------
    parser : ArgumentParser
        With one level of commands.
    shell : str
        One of `SHELLS`.
    """
    commands = _list_commands(parser)
    general = " ".join(_list_words(parser))
    if shell == "fish":
        return _write_fish(parser)
    if shell == "zsh":
        cases = [
            f"        {name}) compadd -- {' '.join(_list_words(command))} ;;"
            for name, (_, command) in commands.items()
        ]
        described = " ".join(f"'{name}:{_quote(help)}'" for name, (help, _) in commands.items())
        return ZSH.format(described=described, general=general, cases="\n".join(cases))
    cases = [
        f'        {name}) words="{" ".join(_list_words(command))}" ;;'
        for name, (_, command) in commands.items()
    ]
    return BASH.format(commands=" ".join(commands), general=general, cases="\n".join(cases))


def _write_fish(parser: argparse.ArgumentParser) -> str:
    lines = [
        f"complete -c ssbchar -n {NO_COMMAND} -l {word.removeprefix('--')}"
        for word in _list_words(parser)
        if word.startswith("--")
    ]
    for name, (help, command) in _list_commands(parser).items():
        lines.append(f"complete -c ssbchar -n {NO_COMMAND} -a {name} -d '{_quote(help)}'")
        seen = f"'__fish_seen_subcommand_from {name}'"
        for word in _list_words(command):
            if word.startswith("--"):
                lines.append(f"complete -c ssbchar -n {seen} -l {word.removeprefix('--')}")
            elif not word.startswith("-"):
                lines.append(f"complete -c ssbchar -n {seen} -a {word}")
    return "".join(f"{line}\n" for line in lines)


def _list_commands(
    parser: argparse.ArgumentParser,
) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Return the commands of a parser with their help."""
    found: dict[str, tuple[str, argparse.ArgumentParser]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                found[name] = (helps.get(name, ""), command)
    return found


def _list_words(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of a parser in their long form, and the choices of what stands alone."""
    words = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        words += [word for word in action.option_strings if word.startswith("--")]
        words += [] if action.choices is None else map(str, action.choices)
    return words


def _quote(text: str) -> str:
    """Return a text for single quotes, where zsh and fish read a colon and a quote."""
    return text.replace("'", "").replace(":", "\\:").replace("`", "")
