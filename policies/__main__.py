"""The policy pack, as the engine runs this folder; and ``python -m policies scan PATH...``."""

import sys
from pathlib import Path

if __package__:
    from .commands import main

    sys.exit(main(sys.argv[1:]))

# The engine runs this folder as a path, so the package that the folder is has to be made known.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.errors import PoliciesError

# A pack that cannot judge as it should does not start: the engine then changes nothing.
try:
    from pulumi_policy import EnforcementLevel, PolicyPack

    from policies.crossguard import PACK, install_analyzer, policies

    judged_by = policies()
except (ImportError, PoliciesError) as error:
    sys.exit(f"policies: {error}")

install_analyzer()
PolicyPack(PACK, judged_by, enforcement_level=EnforcementLevel.MANDATORY)
