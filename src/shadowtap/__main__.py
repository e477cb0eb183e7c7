"""`python -m shadowtap`."""

import sys

from shadowtap.cli import main

if __name__ == "__main__":
    sys.exit(main())
