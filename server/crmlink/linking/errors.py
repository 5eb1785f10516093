"""What can stop a link, as types: a code, and the facts its sentence and its answer need."""

from __future__ import annotations

from typing import Any, ClassVar

from crmlink.store import Link


class LinkingFailure(Exception):
    """Nothing was written. ``facts`` are values for the sentence and the answer, never for logs."""

    code: ClassVar[str]

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts


class OtherConnection(LinkingFailure):
    """The decision is about a record of another connection than the one in use."""

    code = "other-connection"


class RecordUnknown(LinkingFailure):
    """The mirror has no such record (facts: record_id)."""

    code = "record-unknown"


class RecordGone(RecordUnknown):
    """The record was in Commusoft and is not any more (facts: record_id)."""

    code = "record-gone"


class LinkUnknown(LinkingFailure):
    """There is no such link in this workspace."""

    code = "not-found"


class ParkedUnknown(LinkingFailure):
    """There is no such contact among those without a record."""

    code = "not-found"


class BatchUnknown(LinkingFailure):
    """There is no such batch in this workspace, or it is of another package or organisation."""

    code = "not-found"


class KindMismatch(LinkingFailure):
    """The contact is of one kind, the record of the other, and the person has not accepted it.

    Facts: record, contact_kind, record_kind.
    """

    code = "kind-differs"


class RecordHasReference(LinkingFailure):
    """The record carries another reference than the person agreed to replace.

    Facts: record, current_reference; by and since where one of our links put it there.
    """

    code = "record-has-reference"


class ReferenceTaken(LinkingFailure):
    """Other records carry the reference and the person has not accepted it (facts: holders)."""

    code = "reference-taken"


class ReferenceNotVisible(LinkingFailure):
    """Commusoft does not show whether the record has a reference (facts: record)."""

    code = "reference-not-shown"


class LinkInProgress(LinkingFailure):
    """Somebody's link is on its way to this record or from this contact (facts: by, since)."""

    code = "link-in-progress"


class RecordBeingTested(LinkingFailure):
    """The doctor writes to this record, or has something to put back on it (facts: by, since)."""

    code = "record-being-tested"


class CannotUndo(LinkingFailure):
    """The link is not one that stands, or Commusoft holds another value now.

    Facts: current_reference where Commusoft was asked, by and since where a later link decided,
    erased where the value before the link was, else obstacle, as ``undo_obstacle`` has it.
    """

    code = "cannot-undo"


class ReferenceErased(LinkingFailure):
    """The contact was erased: only a hash of its reference is kept, which is never written."""

    code = "reference-erased"


class IdempotencyKeyReused(LinkingFailure):
    """The key belongs to another decision."""

    code = "idempotency-key-reused"


class InvalidBatchState(LinkingFailure):
    """What was asked for is not possible in the batch's present state (facts: state)."""

    code = "batch-state"


class BatchWritten(LinkingFailure):
    """A link was made of this batch, whatever became of it: it is kept."""

    code = "batch-written"


class RowAlreadyDecided(LinkingFailure):
    """Somebody else decided this row since it was shown.

    Facts: by, since, choice, and record where they chose one.
    """

    code = "row-decided"


class RowInProgress(LinkingFailure):
    """The row is being written, or linked already (facts: state)."""

    code = "row-under-way"


class RecordAlreadyChosen(LinkingFailure):
    """Another row of the batch has this record (facts: contact, position)."""

    code = "record-chosen"


class SampleNeeded(LinkingFailure):
    """The sure rows changed since a sample of them was shown, or none was."""

    code = "sample-needed"


class CountChanged(LinkingFailure):
    """Not as many contacts would be linked as the summary said (facts: contacts)."""

    code = "count-changed"


class NothingToLink(LinkingFailure):
    """No accepted row of the batch is ready to be written."""

    code = "nothing-to-link"


class PackageNeeded(LinkingFailure):
    """Nobody has said which accounting package the batch is of."""

    code = "package-needed"


class ConnectionNotAgreed(LinkingFailure):
    """Another connection would take the place of links or lists (facts: contents)."""

    code = "connection-not-agreed"


class CredentialsMissing(LinkingFailure):
    """The account's credentials came from an environment that does not give them now.

    Facts: client_id, base_url.
    """

    code = "credentials-missing"


class ManyLinesLeftOut(LinkingFailure):
    """More than 1 in 20 lines of a file would be left out (facts: left_out, contacts)."""

    code = "lines-left-out"


class LinkFailed(Exception):
    """The decision was kept and tried, and ended as failed or conflict; the link says why."""

    def __init__(self, link: Link) -> None:
        super().__init__(link.state)
        self.link = link
