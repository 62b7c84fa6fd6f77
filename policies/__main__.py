"""The policy pack, as the engine runs this folder; and ``python -m policies scan PATH...``."""

import sys
from pathlib import Path

if __package__:
    from policies.commands import main

    sys.exit(main(sys.argv[1:]))

# The engine runs this folder as a path, so the package that the folder is has to be made known.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.exceptions import ExceptionsError

# A pack that cannot judge as it should does not start: the engine then changes nothing.
try:
    from pulumi_policy import EnforcementLevel, PolicyPack

    from policies.crossguard import PACK, decode_once, policies

    judged_by = policies()
except (ImportError, ExceptionsError) as error:
    sys.exit(f"policies: {error}")

decode_once()
PolicyPack(PACK, judged_by, enforcement_level=EnforcementLevel.MANDATORY)
