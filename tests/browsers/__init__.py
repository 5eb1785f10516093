"""Real browsers for the tests and the demo: found or installed, started, driven."""
