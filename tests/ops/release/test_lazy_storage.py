"""What is loaded, and when."""

import subprocess
import sys

LAZY = """
import sys
import triptych_ops.cli, triptych_ops.cli.classify, triptych_ops.cli.health
print([name for name in ("fsspec", "s3fs", "botocore", "aiobotocore", "aiohttp", "pydantic") if name in sys.modules])
from triptych_ops.cli.release import release
from triptych_ops.release import Store
Store(".").exists()
print([name for name in ("s3fs", "botocore", "aiobotocore", "aiohttp", "model_signing") if name in sys.modules])
"""

WITHOUT_S3FS = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "s3fs":
            raise ModuleNotFoundError("No module named 's3fs'", name=name)

sys.meta_path.insert(0, Missing())
from triptych_ops.cli import run
sys.argv = ["triptych", "release", "list", "--store", "s3://bucket"]
sys.exit(run())
"""


def test_what_an_object_store_needs_is_loaded_for_one_alone() -> None:
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_a_missing_package_is_named_with_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_S3FS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "triptych: this needs the package s3fs; run: pip install 'triptych[s3]'\n"
