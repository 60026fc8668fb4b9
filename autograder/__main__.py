"""`python -m autograder` is the command `autograder`."""

import sys

from autograder.frontends.cli import main

if __name__ == "__main__":
    sys.exit(main())
