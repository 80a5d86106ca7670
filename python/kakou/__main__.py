"""The program itself: ``python -m kakou demo``."""

import sys

from ._kakou import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
