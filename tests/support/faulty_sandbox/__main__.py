"""The faulty sandbox as a process of its own: `python -m support.faulty_sandbox --port 8788`."""

from __future__ import annotations

import argparse
from pathlib import Path

from waitress.server import create_server

from support.faulty_sandbox.app import create_faulty_sandbox


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--customers", type=int, default=2000)
    options.add_argument("--suppliers", type=int, default=200)
    options.add_argument("--state", type=Path)
    given = options.parse_args()
    app = create_faulty_sandbox(given.customers, given.suppliers, state_file=given.state)
    server = create_server(app, host="127.0.0.1", port=given.port, threads=8, ident=None)
    print(f"It runs at http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
