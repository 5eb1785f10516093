"""Ranking of candidates by probability, and the rule for a *sure* match.

*Sure* is right at least 999 times in 1,000. The probability weighs what agrees and what differs.
Beside it are the few rules for which a probability fitted on other lists is not enough: no other
record is near, something besides the name agrees that few share, and none of VETOES is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np

from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.identifiers import SAME_MAILBOX
from crmlink.matching.features.similarity import idf_of_unique_value
from crmlink.matching.features.vector import FeatureVectors
from crmlink.matching.forenames import has_another_forename
from crmlink.matching.index import InvertedIndex
from crmlink.matching.indexed_record import indexed_record
from crmlink.matching.normalised import NormalisedDetails
from crmlink.matching.same_person import (
    Side,
    are_father_and_son,
    are_mailed_apart,
    are_man_and_woman,
    are_two_firms,
    contact_side,
    has_another_word_attached,
    have_exchanged_forenames,
    have_other_middle_names,
    is_anothers_mailbox,
    is_forename_of,
    is_households_mailbox,
    is_in_pieces,
    is_misspelt_surname,
    is_mistyped_mailbox,
    is_of_forenames,
    is_own_mailbox,
    is_same_but_for_spaces,
    is_same_house_number,
    is_spelt_out,
    names_a_trade,
    record_side,
)
from crmlink.matching.scorecard import Scorecard

SURE = 0.995  # minimum probability
MAX_RUNNER_UP = 0.005  # maximum probability of the second record
NEAR_TIE_RATIO = 0.05  # a record above this fraction of the first's probability is a near-tie
VETOES = ("bare", "kind_other", "account_other")
FIRM_VETOES = ("house_number_other", "address_other", "name_number_swap")  # a branch
MIN_ADDRESS_FIT = 0.6  # share of a street's weight from which the street agrees
MIN_WORDS_AGREED = 2  # words of a person's name that agree, no initials
MISSPELT = 0.5  # part of a word's weight that counts if it is misspelt
PLACE_MARGIN = 4.0  # how much rarer than unique a name and its town must be together, as idf
MAX_HOUSEHOLD = 4  # records that may share a phone where a person's name is the same
LAST_VISIBLE_RANK = 5


@dataclass(frozen=True)
class Ranking:
    """Candidates by descending probability, except a company's last visible one."""

    rows: Ints
    probabilities: Floats
    none: float
    sure: bool
    near: int  # number of near-ties at the top, 0 without any
    namesakes: int  # records other than the first with nearly its name


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidates with feature vectors and scores, before the match rate is applied."""

    rows: Ints
    evidence: FeatureVectors | None
    scores: Floats
    is_company: bool = False
    retired: bool = False


def score(
    index: InvertedIndex, contact: NormalisedDetails, rows: Ints, model: Scorecard
) -> ScoredCandidates:
    """Return the candidates with their feature vectors and scores."""
    if not len(rows):
        return ScoredCandidates(rows, None, np.zeros(0))
    evidence = FeatureVectors(index, contact, rows)
    scores = model.scores(evidence.features(), len(index))
    return ScoredCandidates(rows, evidence, scores, contact.is_company, contact.retired)


def rank(index: InvertedIndex, scored: ScoredCandidates, model: Scorecard, share: float) -> Ranking:
    """Return the candidates in order; equal ones are ordered by id."""
    probabilities, none = model.probabilities(scored.scores, share)
    ids = [index.ids[row] for row in scored.rows.tolist()]
    least_first = zip((-scored.scores).round(9).tolist(), ids, range(len(ids)), strict=True)
    order = [position for _, _, position in sorted(least_first)]
    if scored.is_company and scored.evidence is not None:
        _promote_best_spelling(order, scored.evidence)
    ordered = probabilities[order]
    near = int((ordered > NEAR_TIE_RATIO * ordered[0]).sum()) if len(ordered) else 0
    sure, namesakes = False, 0
    if scored.evidence is not None:
        first = order[0]
        runner_up = float(ordered[1]) if len(ordered) > 1 else 0.0
        likely = float(ordered[0]) >= SURE and runner_up <= MAX_RUNNER_UP
        in_use = not scored.retired and not index.retired(scored.rows[first : first + 1])[0]
        sure = likely and near == 1 and in_use and _is_vouched_for(index, scored, first)
        namesakes = _namesakes(scored.evidence, first)
    return Ranking(scored.rows[order], ordered, none, sure, near if near > 1 else 0, namesakes)


def _promote_best_spelling(order: list[int], evidence: FeatureVectors) -> None:
    """Move the record with the most similar name to the last visible rank.

    Companies change their names, so a similar one is worth showing.
    """
    cosine = evidence.columns.get("name_cosine")
    if cosine is not None and len(order) > LAST_VISIBLE_RANK:
        best = max(range(LAST_VISIBLE_RANK - 1, len(order)), key=lambda i: cosine[order[i]])
        order.insert(LAST_VISIBLE_RANK - 1, order.pop(best))


def _namesakes(evidence: FeatureVectors, first: int) -> int:
    fits = evidence.columns.get("name_fit")
    if fits is None or fits[first] < 0.9:
        return 0
    return int((fits >= 0.93).sum()) - int(fits[first] >= 0.93)


def _is_vouched_for(index: InvertedIndex, scored: ScoredCandidates, first: int) -> bool:
    """Return whether something besides the name agrees, and nothing forbids *sure*."""
    evidence = scored.evidence

    def value(name: str) -> float:
        column = evidence.columns.get(name) if evidence else None
        return 0.0 if column is None else float(column[first])

    person = value("persons") > 0
    vetoes = VETOES if person else VETOES + FIRM_VETOES
    if evidence is None or value("name_there") == 0 or any(value(name) > 0 for name in vetoes):
        return False
    held = indexed_record(index, int(scored.rows[first]))
    contact, record = contact_side(evidence.contact), record_side(held)
    mixed = value("name_of_person") > 0 and not names_a_trade(contact, record)
    if person or mixed:
        return _is_same_person(index, value, contact, record)
    if value("name_words_unlike") > 0 or are_two_firms(evidence.contact, held):
        return False
    own = max(value("account_same"), value("email_same")) >= idf_of_unique_value(evidence.total)
    return own or _agrees_beside_the_name(value, evidence.total)


def _is_same_person(
    index: InvertedIndex, value: Callable[[str], float], contact: Side, record: Side
) -> bool:
    """Return whether the name is no other's of the household, and something beside it agrees."""
    others = (
        are_man_and_woman,
        are_father_and_son,
        have_other_middle_names,
        have_exchanged_forenames,
    )
    if any(are_others(contact, record) for are_others in others):
        return False
    records = len(index)
    unique_idf = idf_of_unique_value(records)
    account = value("account_same") >= unique_idf
    if not account and are_mailed_apart(contact, record):
        return False
    email = value("email_same") >= unique_idf
    email |= value("persons") > 0 and value("email_misspelt") >= SAME_MAILBOX
    unlike = value("name_words_unlike") > 0
    half = _is_partial_name(value)
    another = has_another_forename(contact.words, record.words, index.holders_of_name)
    if not unlike and not half and not another:
        exchanged = value("name_order") > 0 and is_of_forenames(record)  # Lee James, James Lee
        mailed = email or _is_mistyped_email(value, contact, record)
        return account or mailed or _agrees_beside_the_name(value, records, not exchanged)
    own = account or (email and not another and _is_own_email(value, contact, record))
    if own and not unlike:
        return not ((half or another) and has_another_word_attached(contact, record))
    if email and unlike and is_own_mailbox(contact, record):
        return True
    if _is_whole_after_all(value, contact, record):
        mailed = email or _is_mistyped_email(value, contact, record)
        return mailed or _agrees_beside_the_name(value, records)
    at_home = email or (_street(value) > MIN_ADDRESS_FIT and is_same_house_number(contact, record))
    if at_home and is_misspelt_surname(contact, record):
        return True
    return not unlike and at_home and is_forename_of(contact, record)


def _is_mistyped_email(value: Callable[[str], float], contact: Side, record: Side) -> bool:
    """Return whether an email has a slip before the @ that no other name explains."""
    near = value("persons") > 0 and value("email_misspelt") > 0
    return near and is_mistyped_mailbox(contact, record, value("name_same") > 0)


def _is_own_email(value: Callable[[str], float], contact: Side, record: Side) -> bool:
    """Return whether an email that two names share is no other's of the household."""
    if is_households_mailbox(contact, record):
        return False
    return not (_is_partial_name(value) and is_anothers_mailbox(contact, record))


def _is_whole_after_all(value: Callable[[str], float], contact: Side, record: Side) -> bool:
    """Return whether a name is whole once its email spells it out, or spaces are ignored."""
    if is_same_but_for_spaces(contact, record) or is_in_pieces(contact, record):
        return True
    unlike, initial = value("name_words_unlike") > 0, value("name_initial") > 0
    return initial and not unlike and is_spelt_out(contact, record)


def _agrees_beside_the_name(
    value: Callable[[str], float], records: int, by_town: bool = True
) -> bool:
    unique_idf = idf_of_unique_value(records)
    town = max(value("town_exact"), value("outward_same")) > 0
    own_domain = value("persons") == 0 and value("domain_same") >= unique_idf
    phone = value("phone_same") >= unique_idf or value("phone_near") > 0
    if value("persons") > 0 and value("name_same") > 0:  # a family shares a phone, and no full name
        phone |= value("phone_same") >= unique_idf - log(MAX_HOUSEHOLD)
    postcode = value("postcode_same") > 0 or value("postcode_near") > 0
    street = _street(value) > MIN_ADDRESS_FIT
    if phone or postcode or street or (own_domain and town):  # branches share a domain
        return True
    return by_town and _is_rare_for_its_town(value, records)


def _street(value: Callable[[str], float]) -> float:
    return max(value("address_covered"), value("address_record_covered"))


def _is_partial_name(value: Callable[[str], float]) -> bool:
    """Return whether a forename or surname is missing or an initial on either side.

    People at one address share the rest.
    """
    whole = value("name_words_agreed") >= MIN_WORDS_AGREED and value("name_ends_agree") > 0
    return value("name_initial") > 0 or not whole


def _is_rare_for_its_town(value: Callable[[str], float], records: int) -> bool:
    misspelt = MISSPELT * value("persons")
    place = max(value("town_exact") + misspelt * value("town_near"), value("outward_same"))
    name = value("name_exact") + misspelt * value("name_near")
    return place > 0 and place + name >= log(records) + PLACE_MARGIN
