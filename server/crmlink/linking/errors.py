"""Errors of linking: a code, and the parameters of its sentence and response."""

from __future__ import annotations

from typing import Any, ClassVar

from crmlink.store import Link


class LinkingError(Exception):
    """Base class; nothing was written. ``facts`` are for sentence and response, never for logs."""

    code: ClassVar[str]

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts


class OtherConnection(LinkingError):
    """The decision is about a record of another connection than the one in use."""

    code = "other-connection"


class RecordUnknown(LinkingError):
    """The mirror has no such record (facts: record_id)."""

    code = "record-unknown"


class RecordGone(RecordUnknown):
    """The record was in Commusoft and is not any more (facts: record_id)."""

    code = "record-gone"


class LinkNotFound(LinkingError):
    """There is no such link in this workspace."""

    code = "not-found"


class ParkedContactNotFound(LinkingError):
    """There is no such contact among those without a record."""

    code = "not-found"


class BatchNotFound(LinkingError):
    """There is no such batch in this workspace, or it is of another package or organisation."""

    code = "not-found"


class KindMismatch(LinkingError):
    """The contact and the record are of different kinds, and the user has not accepted it.

    Facts: record, contact_kind, record_kind.
    """

    code = "kind-differs"


class RecordHasReference(LinkingError):
    """The record has another reference than the user agreed to replace.

    Facts: record, current_reference; by and since if a link wrote it.
    """

    code = "record-has-reference"


class ReferenceTaken(LinkingError):
    """Other records have the reference and the user has not accepted it (facts: holders)."""

    code = "reference-taken"


class ReferenceNotVisible(LinkingError):
    """Commusoft does not show whether the record has a reference (facts: record)."""

    code = "reference-not-shown"


class LinkInProgress(LinkingError):
    """Another link to this record or of this contact is in progress (facts: by, since)."""

    code = "link-in-progress"


class LinkWaitsOnPage(LinkInProgress):
    """Such a link waits to be saved on Commusoft's page (facts: by, since, waits_on, link)."""

    code = "link-waits-on-page"


class NotOnPage(LinkingError):
    """The link is not written on Commusoft's page, so nothing seen there settles it."""

    code = "not-on-page"


class PageReadEarlier(LinkingError):
    """The page was read before something else was learnt of its record (facts: record)."""

    code = "page-read-earlier"


class PagesAlone(LinkingError):
    """Without an API references can be written on Commusoft's pages alone."""

    code = "pages-alone"


class InvalidRecordField(LinkingError):
    """A field on Commusoft's page is not described as it must be (facts: errors)."""

    code = "invalid-fields"


class RecordBeingTested(LinkingError):
    """The doctor is writing to this record, or has to restore it (facts: by, since)."""

    code = "record-being-tested"


class CannotUndo(LinkingError):
    """The link is not in effect, or Commusoft has another value now.

    Facts: current_reference if Commusoft was asked, by and since if a later link decided, erased if
    the value before the link was, else obstacle as in ``undo_obstacle``.
    """

    code = "cannot-undo"


class ReferenceErased(LinkingError):
    """The contact was erased: only a hash of its reference is stored, which is never written."""

    code = "reference-erased"


class IdempotencyKeyReused(LinkingError):
    """The key belongs to another decision."""

    code = "idempotency-key-reused"


class InvalidBatchState(LinkingError):
    """The request is not possible in the batch's present state (facts: state)."""

    code = "batch-state"


class BatchWritten(LinkingError):
    """A link was made of this batch, whatever became of it: it is kept."""

    code = "batch-written"


class RowAlreadyDecided(LinkingError):
    """Another user decided this row since it was shown.

    Facts: by, since, choice, and record if they chose one.
    """

    code = "row-decided"


class RowInProgress(LinkingError):
    """The row is being written, or linked already (facts: state)."""

    code = "row-under-way"


class RecordAlreadyChosen(LinkingError):
    """Another row of the batch has this record (facts: contact, position)."""

    code = "record-chosen"


class SampleRequired(LinkingError):
    """The sure rows changed since a sample of them was shown, or none was."""

    code = "sample-needed"


class CountChanged(LinkingError):
    """The number of contacts to link differs from the summary (facts: contacts)."""

    code = "count-changed"


class NothingToLink(LinkingError):
    """No accepted row of the batch is ready to be written."""

    code = "nothing-to-link"


class PackageRequired(LinkingError):
    """The batch's accounting package is not set."""

    code = "package-needed"


class ConnectionNotAgreed(LinkingError):
    """Another connection would replace links, lists or parked contacts (facts: contents)."""

    code = "connection-not-agreed"


class CredentialsMissing(LinkingError):
    """The account's credentials came from environment variables that are no longer set.

    Facts: client_id, base_url.
    """

    code = "credentials-missing"


class ManyLinesLeftOut(LinkingError):
    """More than 1 in 20 lines of a file would be skipped (facts: left_out, contacts)."""

    code = "lines-left-out"


class RecordsComeFromApi(LinkingError):
    """The connection has an API, which is the source of its records: nothing is imported."""

    code = "records-from-api"


class ImportKeyReused(LinkingError):
    """The import's key, or the number of one of its parts, belongs to other records."""

    code = "import-key-reused"


class LinkFailed(Exception):
    """The decision was stored and attempted, and failed or conflicted; the link has the reason."""

    def __init__(self, link: Link) -> None:
        super().__init__(link.state)
        self.link = link
