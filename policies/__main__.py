"""The policy pack, as the engine runs this folder; and ``python -m policies scan PATH...``."""

import sys
from pathlib import Path

if __package__:
    from policies.commands import main

    sys.exit(main(sys.argv[1:]))

# The engine runs this folder as a path, so the package that the folder is has to be made known.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.crossguard import PACK, decode_once, policies

decode_once()
PolicyPack(PACK, policies(), enforcement_level=EnforcementLevel.MANDATORY)
