"""Processes that are copies of a prepared one: what prepares it must not fail without a word."""

from __future__ import annotations

from faults.processes import processes, send_unimported


def test_a_process_begins_with_all_that_it_should_have_imported() -> None:
    ours, theirs = processes().Pipe()
    process = processes().Process(target=send_unimported, args=(theirs,))
    process.start()
    theirs.close()
    assert ours.recv() == []
    process.join()
