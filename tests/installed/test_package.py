"""A release is whole, the same each time, and runs where there is no source checkout."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from browsers.real_services import Service, wait_until
from installed.conftest import MOMENT, REPOSITORY
from release.archives import copy_tracked
from release.package import ReleaseFailed, build_release
from security.visitors import INVITATION, Visitor

LOCKED = re.compile(r"^([a-z0-9-]+==\S+)", re.M)


def test_a_second_build_gives_the_same_bytes(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.umask(0o077)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    checkout = tmp_path / "another checkout"
    copy_tracked(REPOSITORY, checkout, MOMENT + 1)
    for command in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", "-C", checkout, *command], check=True)
    (checkout / "server" / "crmlink" / "leftover.py").touch()  # not tracked, so not released
    build_release(checkout, tmp_path / "again", MOMENT, installer=False)
    assert contents(tmp_path / "again") == contents(release)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def test_the_checksums_are_those_of_every_other_file(release: Path) -> None:
    found = contents(release)
    listed = (release / "SHA256SUMS").read_text().splitlines()
    del found["SHA256SUMS"]
    assert {line[66:]: line[:64] for line in listed} == found
    assert {Path(name).suffix for name in found} == {".whl", ".gz", ".json", ".zip"}


def test_the_wheel_contains_every_file_of_the_package(wheel: Path) -> None:
    command = ["git", "-C", str(REPOSITORY), "ls-files", "server/crmlink"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert {name.removeprefix("server/") for name in tracked} - packed == set()
    assert "crmlink/browser_extension/files/background.js" in packed
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = f"crmlink-{project['version']}.dist-info"
    assert {name.partition("/")[0] for name in packed} == {"crmlink", metadata}


def test_each_zip_has_the_manifest_of_its_browser(release: Path) -> None:
    manifests = {}
    for path in release.glob("*-extension-*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            manifests[path.stem.rpartition("-")[2]] = json.loads(archive.read("manifest.json"))
        assert "background.js" in names
        assert "package.json" not in names
    assert set(manifests) == {"chrome", "edge", "firefox"}
    assert manifests["chrome"] == manifests["edge"]
    assert manifests["chrome"]["background"].keys() == {"service_worker", "type"}
    assert "browser_specific_settings" not in manifests["chrome"]
    assert manifests["firefox"]["background"].keys() == {"scripts", "type"}
    assert "minimum_chrome_version" not in manifests["firefox"]


def test_the_bill_of_materials_lists_what_the_server_installs(release: Path) -> None:
    bill = json.loads(next(release.glob("*.cdx.json")).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "crmlink"
    listed = {f"{part['name']}=={part['version']}" for part in bill["components"]}
    assert listed == locked("requirements-server.lock")
    assert all(part["externalReferences"] for part in bill["components"]), "without hashes"


def locked(name: str) -> set[str]:
    return set(LOCKED.findall((REPOSITORY / name).read_text()))


def test_the_server_is_locked_to_what_the_tests_ran_with() -> None:
    server = locked("requirements-server.lock")
    assert server - locked("requirements.lock") == set()
    assert not [name for name in server if name.startswith(("pytest", "playwright", "cyclonedx"))]


def test_different_versions_of_server_and_extension_are_not_released(tmp_path: Path) -> None:
    (tmp_path / "extension").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "2.0"\n')
    (tmp_path / "extension" / "manifest.json").write_text('{"version": "1.9"}')
    with pytest.raises(ReleaseFailed, match=r"2\.0.*1\.9"):
        build_release(tmp_path, tmp_path / "dist", MOMENT, installer=False)


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("office")
    environment = {"CRMLINK_DATA_DIR": str(folder / "data"), "PATH": os.defpath}
    service = Service("serve", folder, environment, program=(installed / "bin" / "crmlink",))
    service.start()
    wait_until(lambda: "4. " in service.said(), "everything is printed", service.said)
    yield service
    service.stop()


def test_the_installed_wheel_serves_every_page_and_the_extension(server: Service) -> None:
    invitation = INVITATION.search(server.said())
    assert invitation, server.said()
    admin = Visitor(server)
    joined = admin.join(invitation[1], "three random words", name="Ann", email="a@firm.example")
    assert joined.status_code == 303
    texts = [server.said()]
    for path in (
        "/",
        "/start",
        "/install",
        "/records",
        "/lists",
        "/commusoft",
        "/commusoft/connect",
        "/docs",
    ):
        page = admin.get(path)
        assert page.status_code == 200, path
        texts.append(page.text)
    assert [text for text in texts if str(REPOSITORY) in text] == []
    assert all(str(REPOSITORY) not in line for line in texts)
    assert f"{server.address}/install" in server.said()
    for browser in ("chrome", "edge", "firefox"):
        with zipfile.ZipFile(io.BytesIO(admin.get(f"/install/{browser}.zip").content)) as archive:
            assert "manifest.json" in archive.namelist()
    assert admin.get("/install/safari.zip").status_code == 404
    assert admin.get("/static/base.css").status_code == 200


def test_nothing_but_the_wheel_is_imported(installed: Path) -> None:
    program = "import crmlink.cli; print(crmlink.cli.__file__)"
    python = installed / "bin" / "python"
    where = subprocess.run(
        [python, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert where.startswith(str(installed))
