"""The guard shares no code with what it guards."""

import ast
import os
import sys
from pathlib import Path

from workshop.testing.rule_cases import HERE

ROOT = HERE.parents[1]


def test_the_guard_imports_nothing_of_the_code_it_guards() -> None:
    allowed = {*sys.stdlib_module_names, "policies", "yaml", "google", "grpc", "pulumi"}
    allowed |= {"pulumi_policy"}
    for folder, _, names in os.walk(ROOT / "policies"):
        for name in names:
            if name.endswith(".py"):
                tree = ast.parse(Path(folder, name).read_text("utf-8"))
                for node in ast.walk(tree):
                    if isinstance(node, ast.ImportFrom) and node.level:
                        # Relative, and so of the policies: no further up than their own folder.
                        assert node.level <= len(Path(folder, name).relative_to(ROOT).parts) - 1
                        continue
                    if isinstance(node, ast.ImportFrom):
                        imported = [node.module or ""]
                    elif isinstance(node, ast.Import):
                        imported = [alias.name for alias in node.names]
                    else:
                        continue
                    strangers = {module.partition(".")[0] for module in imported} - allowed
                    assert not strangers, f"{name} imports {strangers}"
