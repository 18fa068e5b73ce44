"""`python -m idp.cli`: the command without its installed name."""

from idp.cli import main

main()
