"""The files under docs/deploy fit the program: its options, settings, routes and rules."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from flask import Flask

import crmlink
from crmlink.cli import main
from crmlink.service.model import ServicePlan
from crmlink.service.systemd import STATE_DIR, unit_text

REPOSITORY = Path(crmlink.__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "docs" / "deploy"
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
COMPOSE = sorted((DEPLOY / "docker").glob("compose*.yaml"))
INSTRUCTIONS: list[tuple[str, str]] = re.findall(
    r"^([A-Z]+) (.+)$", re.sub(r"\\\n\s*", "", DOCKERFILE), re.M
)  # name and arguments


def instruction(name: str) -> str:
    """The arguments of an instruction's last use."""
    return [arguments for found, arguments in INSTRUCTIONS if found == name][-1]


def services(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["services"]
    return found


def crmlinks(path: Path) -> dict[str, Any]:
    """The services that run crmlink."""
    return {name: one for name, one in services(path).items() if one["image"] == "crmlink"}


def test_the_unit_is_what_the_service_command_writes() -> None:
    plan = ServicePlan(python=PurePosixPath("/opt/crmlink/bin/python"))
    unit = (DEPLOY / "systemd" / "crmlink.service").read_text()
    assert unit == unit_text(plan, STATE_DIR, system=True)


def test_the_unit_of_a_worker_differs_from_the_servers_in_what_it_runs_alone() -> None:
    server, worker = (
        (DEPLOY / "systemd" / f"{name}.service").read_text().splitlines()
        for name in ("crmlink", "crmlink-worker")
    )
    differing = [ours for ours, theirs in zip(worker, server, strict=True) if ours != theirs]
    assert [line.partition("=")[0] for line in differing] == ["Description", "ExecStart"]
    command = differing[1].split()
    assert command[1:4] == ["-m", "crmlink", "worker"]


def test_the_container_runs_without_root_and_writes_where_it_may() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", instruction("USER"))
    assert instruction("VOLUME") == "/data"
    assert "CRMLINK_DATA_DIR=/data" in instruction("ENV")
    assert "-m 0700 /data" in instruction("RUN")


def test_the_container_installs_what_is_locked_and_nothing_else() -> None:
    pips = [line for name, line in INSTRUCTIONS if name == "RUN" and "pip install" in line]
    assert len(pips) == 2
    assert "--require-hashes -r /build/requirements-server.lock" in pips[0]
    assert "--no-deps --no-index" in pips[1]
    assert "requirements-server.lock dist/crmlink-*.whl" in DOCKERFILE


def test_the_container_starts_a_command_that_exists_and_asks_a_route_that_exists(
    app: Flask,
) -> None:
    assert instruction("ENTRYPOINT") == '["crmlink"]'
    words = re.findall(r'"([^"]+)"', instruction("CMD"))  # HEALTHCHECK's own is not one of them
    assert words[0] in main.commands
    options = {name for option in main.commands[words[0]].params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= options
    checked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", instruction("HEALTHCHECK"))
    assert checked
    assert checked[1] == instruction("EXPOSE")
    assert app.test_client().get(checked[2]).status_code == 200


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_files_give_crmlink_few_rights_and_settings_that_exist(path: Path) -> None:
    folder = Path(crmlink.__file__).with_name("settings")
    settings = "".join(file.read_text() for file in folder.glob("*.py"))
    for service in crmlinks(path).values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 # the container's own
        assert service["cap_drop"] == ["ALL"]
        assert "privileged" not in service
        assert "data:/data" in service["volumes"]
        assert service["stop_grace_period"] == "30s"
        for name in service["environment"]:
            assert f'"{name.removeprefix("CRMLINK_")}"' in settings, name
        if service["environment"]["CRMLINK_PUBLIC_URL"].startswith("https:"):
            assert "ports" not in service, "a proxy is in front"
        else:
            assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_grown_set_up_has_workers_and_a_proxy_that_knows_every_web_server() -> None:
    path = DEPLOY / "docker" / "compose.grown.yaml"
    commands = {name: service.get("command") for name, service in crmlinks(path).items()}
    assert commands == {"web1": None, "web2": None, "worker1": ["worker"], "worker2": ["worker"]}
    assert "worker" in main.commands
    upstream = services(path)["proxy"]["environment"]["CRMLINK_UPSTREAM"]
    assert upstream == "web1:8787 web2:8787"
    for service in crmlinks(path).values():  # each alone would make a key of its own
        assert "CRMLINK_SECRET_KEY" in service["environment"]
    caddy = (DEPLOY / "proxy" / "Caddyfile.grown").read_text()
    assert "lb_policy cookie" in caddy, "an upload waits at one server"
    assert "health_uri /readyz" in caddy


def test_proxies_pass_on_what_crmlink_needs_and_what_it_takes() -> None:
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text()
    for line in ("Host $host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto https"):
        assert f"proxy_set_header {line};" in nginx
    caddy = (DEPLOY / "proxy" / "Caddyfile").read_text()
    assert "client_max_body_size 51m" in nginx
    assert "max_size 51MB" in caddy


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy here")
def test_caddy_understands_its_file() -> None:
    for name in ("Caddyfile", "Caddyfile.grown"):
        command = ["caddy", "validate", "--adapter", "caddyfile", "--config", name]
        done = subprocess.run(
            command, cwd=DEPLOY / "proxy", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    not all(map(shutil.which, ("nginx", "openssl"))), reason="there is no nginx here"
)
def test_nginx_understands_its_file(tmp_path: Path) -> None:
    pair = {"fullchain.pem": "-out", "privkey.pem": "-keyout"}
    files = [word for name, option in pair.items() for word in (option, str(tmp_path / name))]
    request = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=a"]
    subprocess.run([*request, *files], capture_output=True, check=True)
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    text = text.replace("/etc/ssl/crmlink", str(tmp_path)).replace("listen 443", "listen 18443")
    config = tmp_path / "nginx.conf"
    text = text.replace("listen 80", "listen 18080")
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n")
    command = ["nginx", "-t", "-c", str(config), "-p", str(tmp_path), "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
