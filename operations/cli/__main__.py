"""`python -m operations.cli`: `oceanid` of the checkout in the current folder."""

from operations.cli.app import main

main()
