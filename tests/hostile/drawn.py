"""Drawn cases: any options of any command with any values, by Hypothesis, from click's own lists.

New options are covered as they come. The structures do not exist, so that nothing is computed: every command
line is refused, by its options or for want of its files.
"""

import click
from hypothesis import strategies as st

from hostile.case import Case
from hostile.numbers import MEDIA, NEVER, SOMETIMES, TEXT, commands

__all__ = ["drawn"]

_COMMANDS = dict(commands())
_FILES = ("missing.cif", "also-missing.cif")
_ARGUMENTS = {
    "layers": ("--left-medium", "unobtainium", "--right-medium", "unobtainium"),
    "export": (*_FILES, "--cell", "missing.yaml", "-o", "out.nc"),
}
_words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
_numbers = st.one_of(
    st.sampled_from((*NEVER, *SOMETIMES)),
    st.floats().map(repr),
    st.integers().map(str),
    st.integers(-3, 3).map(str),
    _words,
)
_paths = st.one_of(
    st.sampled_from(
        ("", ".", "/", "/proc/x", "/sys/x", "/dev/full", "x" * 5000, "missing/x.nc", "a\nb", "x.nc")
    ),
    _words,
)
_texts = st.one_of(
    _words,
    _numbers,
    st.sampled_from([text for texts in TEXT.values() for text in texts]),
    st.sampled_from(MEDIA),
)


def _values(option: click.Option) -> st.SearchStrategy[list[str]]:
    """Draw an option with its values, as on the command line."""
    name = st.sampled_from([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return name.map(lambda word: [word])
    kind = option.type
    one: st.SearchStrategy[str] = _texts
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        one = _numbers
    elif isinstance(kind, click.Choice):
        one = st.one_of(st.sampled_from([str(choice) for choice in kind.choices]), _words)
    elif isinstance(kind, click.Path):
        one = _paths
    values = st.lists(one, min_size=option.nargs, max_size=option.nargs)
    return st.tuples(name, values).map(lambda both: [both[0], *both[1]])


@st.composite
def drawn(draw: st.DrawFn) -> Case:
    """Draw a case."""
    command = draw(st.sampled_from(sorted(_COMMANDS)))
    options = [
        option
        for option in _COMMANDS[command].params
        if isinstance(option, click.Option) and not option.is_eager  # help and lists, which end the command
    ]
    several = st.lists(st.sampled_from(options or [None]), max_size=4, unique_by=id)
    chosen = draw(several) if options else []
    words = [word for option in chosen for word in draw(_values(option))]
    return Case("drawn", (*command.split(), *_ARGUMENTS.get(command, _FILES), *words))
