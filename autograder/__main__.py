"""`python -m autograder` is the command `autograder`."""

import sys

from autograder.frontends.cli import main

sys.exit(main())
