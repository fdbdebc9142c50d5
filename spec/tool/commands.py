"""The commands of the tool: `tracewire`, also `python -m tracewire`."""

import click

import tracewire
from tracewire.codec import IMPLEMENTATION

from .bench.bench import bench
from .conform.conform import conform
from .frames.explain import explain
from .frames.rules import rules
from .frames.validate import validate
from .peers.call import call
from .peers.echo import echo
from .peers.top import top


@click.group(
    "tracewire",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(tracewire.__version__, message=f"tracewire %(version)s ({IMPLEMENTATION})")
@click.pass_context
def group(context: click.Context) -> None:
    """Tools for Tracewire message frames.

    \b
    tracewire COMMAND --help says more of each command, with examples.
    Exit status: 0 good, 1 a check failed, 2 wrong usage or unreadable input.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


for command in (validate, explain, rules, conform, bench, call, echo, top):
    group.add_command(command)
