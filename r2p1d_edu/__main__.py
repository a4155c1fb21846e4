"""Entry point of python -m r2p1d_edu."""

import sys

from r2p1d_edu.cli import main

sys.exit(main())
