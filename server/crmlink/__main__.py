"""Runs the command line where the script ``crmlink`` is not at hand: ``python -m crmlink``."""

from crmlink.cli import main

main(prog_name="crmlink")
