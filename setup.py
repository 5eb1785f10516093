"""Adds the browser extension's zip files to the wheel; everything else is in pyproject.toml."""

import importlib.util
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithExtension(build_py):
    """Copies the package's files and packs the extension beside them.

    An editable installation packs it when it is asked for, from the folder as it is then.
    """

    def run(self) -> None:
        """Build the package, with the zip files unless it is editable."""
        super().run()
        if self.editable_mode:
            return
        packer = _load_packer()
        for path, browser in self._zips(packer):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packer.pack_extension(ROOT / "extension", browser))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the built files, the zip files among them."""
        outputs = super().get_outputs(include_bytecode)
        if self.editable_mode:
            return outputs
        return [*outputs, *(str(path) for path, _ in self._zips(_load_packer()))]

    def _zips(self, packer):
        folder = Path(self.build_lib) / "crmlink" / packer.BUILT.name
        return [(folder / f"{browser}.zip", browser) for browser in packer.Browser]


def _load_packer():
    """Return the module that packs, without importing crmlink's package."""
    spec = importlib.util.spec_from_file_location(
        "browser_extension", ROOT / "server" / "crmlink" / "browser_extension.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup(cmdclass={"build_py": BuildWithExtension})
