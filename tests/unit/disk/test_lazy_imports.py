"""The child that reads an image can import nothing once it looks at it: what its modules import late is listed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import amigate
from amigate.disk.witness.inspect import LAZY


def late_imports(path: Path) -> set[str]:
    """Return the modules that functions of a module import."""
    found: set[str] = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    found |= {name.name for name in node.names}
                if isinstance(node, ast.ImportFrom) and node.module:
                    zstd = [f"{node.module}.{name.name}" for name in node.names if name.name == "zstd"]
                    found |= set(zstd or [node.module])
    return found


def test_what_the_work_imports_late_is_imported_before_the_image_is_looked_at() -> None:
    program = (
        "import sys, amigate.disk.witness.inspect;"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('amigate') and m.__file__), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    root = Path(amigate.__file__).parent
    paths = [Path(line) for line in done.stdout.split()]
    assert root / "detect/public_half.py" in paths
    late = set().union(*(late_imports(path) for path in paths))
    assert late - set(LAZY) - {each for each in late if each.startswith("amigate.")} == set()
    assert late & set(LAZY), "or the program above looks at nothing"
