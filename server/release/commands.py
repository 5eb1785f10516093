"""What setuptools does more for crmlink; pyproject.toml names these two commands."""

import importlib.util
from pathlib import Path
from types import ModuleType

from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT / "server" / "crmlink" / "browser_extension" / "archive.py"
SOURCES = ("docs/**/*", "extension/**/*", "server/**/*", "requirements-server.lock")
LEFT_OUT = {"__pycache__", "pictures", "store", "crmlink.egg-info", ".DS_Store"}


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


class SourcesWithExtension(sdist):
    """Packs everything that the wheel is built from, and the documents."""

    def add_defaults(self) -> None:
        """Add the files that setuptools does not know of."""
        super().add_defaults()
        for pattern in SOURCES:
            self.filelist.extend(
                str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if _is_source(path)
            )


def _is_source(path: Path) -> bool:
    inside = path.relative_to(ROOT)
    return path.is_file() and path.suffix != ".pyc" and not LEFT_OUT.intersection(inside.parts)


def _load_archive() -> ModuleType:
    """Return the module that knows the extension's files, without importing crmlink."""
    spec = importlib.util.spec_from_file_location("archive", ARCHIVE)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(ARCHIVE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
