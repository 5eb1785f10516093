"""Builds what a release consists of; `make package` runs it."""
