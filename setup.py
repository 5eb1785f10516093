"""Adds the browser extension's files to the wheel; everything else is in pyproject.toml."""

import importlib.util
from pathlib import Path
from types import ModuleType

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
ARCHIVE = ROOT / "server" / "crmlink" / "browser_extension" / "archive.py"


class BuildWithExtension(build_py):
    """Copies the package's files, and the extension's beside the module that hands them out.

    An editable installation uses the extension's own folder.
    """

    def run(self) -> None:
        """Build the package."""
        super().run()
        for path, content in self._extension().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the built files."""
        return [*super().get_outputs(include_bytecode), *map(str, self._extension())]

    def _extension(self) -> dict[Path, bytes]:
        if self.editable_mode:
            return {}
        archive = _load_archive()
        folder = Path(self.build_lib, "crmlink", "browser_extension", archive.PACKAGED_FOLDER.name)
        files = archive.extension_files(ROOT / "extension")
        return {folder / name: content for name, content in files.items()}


def _load_archive() -> ModuleType:
    """Return the module that knows the extension's files, without importing crmlink."""
    spec = importlib.util.spec_from_file_location("archive", ARCHIVE)
    assert spec is not None  # noqa: S101 # it is a file of this checkout
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup(cmdclass={"build_py": BuildWithExtension})
