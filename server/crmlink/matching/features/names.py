"""Features of names: each candidate's names compared with the contact's.

A contact and a record may both have two names, a company and a person; the best pair counts. Words
in brackets or after a comma count half.
"""

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats, Ints
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.similarity import (
    EXACT,
    INITIAL,
    NICK,
    Alignment,
    BoolArray,
    Table,
    WordTable,
    align,
    generic_word_weights,
    safe_divide,
    word_similarity,
    word_table,
)
from crmlink.matching.normalised import PARENTHETICAL, SECONDARY, FlaggedWords

Features = dict[str, Floats]
SECOND_FITS = 0.75
MIN_EMAIL_WORD_LENGTH = 3  # shorter words are not looked for in emails


@dataclass(frozen=True, slots=True)
class RecordNames:
    """Names of all candidates, one a row: first the primary ones, then the secondary ones."""

    candidate: Ints  # index of each row's candidate
    is_secondary: BoolArray  # whether the row is the person of a company
    words: WordTable
    has_words: BoolArray  # whether the row has any word
    aside: BoolArray  # (rows, max words): words in brackets or after a comma
    main: BoolArray  # the other words

    @classmethod
    def from_context(cls, context: ComparisonContext) -> "RecordNames":
        """Return the names of the context's candidates."""
        table = context.index.name_lists.table(context.rows)
        is_second = (table >= 0) & ((table & SECONDARY) > 0)
        secondary_rows = np.flatnonzero(is_second.any(axis=1))
        both = np.concatenate(
            [
                np.where(is_second, -1, table),
                np.where(is_second[secondary_rows], table[secondary_rows], -1),
            ]
        )
        words = word_table(both, context.index.names, context.total, True)
        rows = len(table)
        aside = (words.flags & PARENTHETICAL) > 0
        return cls(
            np.concatenate([np.arange(rows), secondary_rows]).astype(np.int32),
            np.arange(rows + len(secondary_rows)) >= rows,
            words,
            np.asarray(words.inside.any(axis=1)),
            aside,
            words.inside & ~aside,
        )


@dataclass(frozen=True, slots=True)
class NameComparison:
    """One name of the contact, compared with every name of every candidate."""

    contact_words: FlaggedWords
    weights: Floats  # of `contact_words`
    parenthetical: BoolArray  # of `contact_words`
    record_names: RecordNames
    alike: Table
    is_person: bool  # whether `contact_words` are a person's
    is_secondary: bool  # whether they are the person of a company


def name_features(context: ComparisonContext) -> Features:
    """Return features of names, and `persons`: 1 where the best pair are both persons.

    `name_of_person` is 1 where at least one of them is.
    """
    contact = context.contact
    words = [word for word, _ in (*contact.primary_name, *contact.secondary_name)]
    if not words:
        return {}
    record_names = RecordNames.from_context(context)
    cut = len(contact.primary_name)
    persons = slice(cut if contact.is_company else 0, None)
    similarity = word_similarity(words, record_names.words.distinct, True, persons)
    weights = context.idf_of_words(context.index.names, words) * generic_word_weights(words)
    comparisons = []
    for contact_words, part in (
        (contact.primary_name, slice(0, cut)),
        (contact.secondary_name, slice(cut, None)),
    ):
        if contact_words:
            parenthetical = np.array([(flags & PARENTHETICAL) > 0 for _, flags in contact_words])
            idf_of_words = np.where(parenthetical, weights[part] / 2, weights[part])
            is_secondary = contact_words is contact.secondary_name
            is_person = is_secondary or not contact.is_company
            pair = NameComparison(
                contact_words,
                idf_of_words,
                parenthetical,
                record_names,
                similarity[part],
                is_person,
                is_secondary,
            )
            comparisons.append(_compare(context, pair))
    return _best(comparisons, record_names, len(context.rows))


def _best(comparisons: list[Features], record_names: RecordNames, rows: int) -> Features:
    """Return the features of the best pair of names, and whether a second pair fits."""
    if len(comparisons) == 1 and len(record_names.candidate) == rows:
        return comparisons[0]
    rows_of_pairs = np.full((2 * len(comparisons), rows), -1)
    for i in range(len(comparisons)):
        rows_of_pairs[2 * i] = np.arange(rows) + i * len(record_names.candidate)
        rows_of_pairs[2 * i + 1, record_names.candidate[rows:]] = np.arange(
            rows, len(record_names.candidate)
        ) + i * len(record_names.candidate)
    has_words = np.append(np.tile(record_names.has_words, len(comparisons)), False)
    fits = np.append(np.concatenate([columns["name_fit"] for columns in comparisons]), -1.0)
    ranked = np.where(has_words[rows_of_pairs], fits[rows_of_pairs], -1.0)
    best = rows_of_pairs[ranked.argmax(axis=0), np.arange(rows)]
    columns = {
        name: np.concatenate([columns[name] for columns in comparisons])[best]
        for name in comparisons[0]
    }
    columns["name_second"] = (np.sort(ranked, axis=0)[-2] > SECOND_FITS).astype(np.float64)
    return columns


def _compare(context: ComparisonContext, pair: NameComparison) -> Features:
    record_names = pair.record_names
    aligned = align(pair.alike, record_names.words, record_names.words.inside)
    has_words = record_names.has_words
    words = [word for word, _ in pair.contact_words]
    in_email = _contact_words_in_record_email(context, words)[:, record_names.candidate]
    email_texts = _record_words_in_contact_email(context, record_names.words)
    elsewhere = WordsInOtherFields(
        _in_place(context, words)[:, record_names.candidate] | in_email, in_email, email_texts
    )
    flags = np.where(record_names.is_secondary, SECONDARY, 0)
    cosine = context.trigram_cosine(" ".join(words), flags, record_names.candidate)
    straight, swapped = _spelling(pair)
    _ignore_spacing(pair, aligned, straight == 1.0)
    columns = _idf_sums(pair, aligned, elsewhere) | _counts(pair, aligned, elsewhere)
    covered, record_covered = columns["name_covered"], columns["name_record_covered"]
    best = np.maximum(np.maximum(swapped, straight), cosine)
    same = (aligned.contact == EXACT).all(axis=0)
    same &= ((aligned.record == EXACT) | ~record_names.words.inside).all(axis=1)
    columns |= {
        "name_same": same.astype(np.float64),
        "name_fit": best * 0.5 + 0.25 * (covered + record_covered),
        "name_both_covered": covered * record_covered,
        "name_cosine": cosine,
        "name_cosine_covered": cosine * covered,
        "name_cosine_record": cosine * record_covered,
        "name_spelling": straight,
        "name_spelling_covered": straight * covered,
        "name_order": np.maximum(swapped - straight, 0.0),
        "name_best": best,
        "name_number_swap": _numbers_differ(pair, aligned).astype(np.float64),
        "name_one_word": np.full(len(has_words), float(len(pair.contact_words) == 1)),
        "name_there": np.ones(len(has_words)),
        "name_behind": (record_names.is_secondary & (not pair.is_secondary)).astype(np.float64),
    }
    is_company = context.index.is_company[context.rows[record_names.candidate]]
    record_person = record_names.is_secondary | ~is_company
    columns["name_of_person"] = (record_person | pair.is_person).astype(np.float64)
    columns = {name: column * has_words for name, column in columns.items()}
    return columns | {"persons": (record_person & pair.is_person).astype(np.float64)}


@dataclass(frozen=True, slots=True)
class WordsInOtherFields:
    """Words missing from the other side's name but found in another of its fields."""

    contact: BoolArray  # (words, records): contact words in the record's address, town or email
    mailed: BoolArray  # (words, records): contact words in the record's email
    record: BoolArray  # (records, max words): record words in the contact's email


def _idf_sums(pair: NameComparison, aligned: Alignment, elsewhere: WordsInOtherFields) -> Features:
    """Return idf sums of words that agree, nearly agree, are missing or are extra."""
    column = pair.weights[:, None]
    parenthetical = pair.parenthetical[:, None]
    record_words, record_parenthetical = pair.record_names.words, pair.record_names.aside
    record_weights = np.where(record_words.inside, record_words.weights, 0.0)
    record_weights = np.where(record_parenthetical, record_weights / 2, record_weights)
    misspelt = (aligned.contact < NICK) & (aligned.contact > INITIAL)
    exact = (column * (aligned.contact == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(misspelt, aligned.contact, 0)).sum(axis=0)
    missing = column * (1 - aligned.contact)
    missing_main = (missing * ~parenthetical * ~elsewhere.contact).sum(axis=0)
    extra = record_weights * (1 - aligned.record)
    extra_main = (extra * ~record_parenthetical * ~elsewhere.record).sum(axis=1)
    in_email = (missing * elsewhere.mailed).sum(axis=0) + (extra * elsewhere.record).sum(axis=1)
    return {
        "name_exact": exact,
        "name_near": np.minimum(near, 12.0),
        "name_lacking": np.minimum(missing_main, 15.0),
        "name_lacking_aside": (missing * parenthetical * ~elsewhere.contact).sum(axis=0),
        "name_elsewhere": (missing * elsewhere.contact * ~elsewhere.mailed).sum(axis=0),
        "name_mailed": np.minimum(in_email, 12.0),
        "name_surplus": np.minimum(extra_main, 15.0),
        "name_surplus_aside": (extra * record_parenthetical).sum(axis=1),
        "name_swap": np.minimum(np.minimum(missing_main, extra_main), 10.0),
        "name_rest": safe_divide(exact + near, exact + near + missing_main + extra_main),
        "name_covered": (column * aligned.contact).sum(axis=0) / max(float(column.sum()), 1e-9),
        "name_record_covered": safe_divide(
            (record_weights * aligned.record).sum(axis=1), record_weights.sum(axis=1)
        ),
    }


def _counts(pair: NameComparison, aligned: Alignment, elsewhere: WordsInOtherFields) -> Features:
    """Return numbers of words without a partner, of short forms and of initials.

    Only `name_words_unlike` counts words that the other side has in its address or email.
    """
    unlike = (aligned.contact < 0.5) & ~pair.parenthetical[:, None]
    record_unlike = (aligned.record < 0.5) & pair.record_names.main
    agreed, record_agreed = _words_agreed(pair, aligned)
    missing = (unlike & ~elsewhere.contact).sum(axis=0)
    extra = (record_unlike & ~elsewhere.record).sum(axis=1)
    return {
        "name_nick": (aligned.contact == NICK).sum(axis=0).astype(np.float64),
        "name_initial": (aligned.contact == INITIAL).sum(axis=0).astype(np.float64),
        "name_words_lacking": np.minimum(missing, 3.0),
        "name_words_surplus": np.minimum(extra, 3.0),
        "name_words_swapped": np.minimum(np.minimum(missing, extra), 3.0),
        "name_words_agreed": np.minimum(agreed.sum(axis=0), record_agreed.sum(axis=1)) * 1.0,
        "name_ends_agree": _ends_agree(pair, agreed, record_agreed).astype(np.float64),
        "name_words_unlike": np.minimum(unlike.sum(axis=0), record_unlike.sum(axis=1)) * 1.0,
        "name_first_word": (aligned.contact[0] >= INITIAL).astype(np.float64),
    }


def _words_agreed(pair: NameComparison, aligned: Alignment) -> tuple[BoolArray, BoolArray]:
    """Return which whole words outside brackets have a partner, of the contact and the records."""
    whole = np.array([len(word) > 1 for word, _ in pair.contact_words]) & ~pair.parenthetical
    record_words = pair.record_names.words
    record_whole = np.array([len(word) > 1 for word in record_words.distinct] + [False])
    return (
        (aligned.contact > INITIAL) & whole[:, None],
        (aligned.record > INITIAL) & record_whole[record_words.index] & pair.record_names.main,
    )


def _ends_agree(pair: NameComparison, agreed: BoolArray, record_agreed: BoolArray) -> BoolArray:
    """Return whether the first and last words of both names have partners: no half a name."""
    main = np.flatnonzero(~pair.parenthetical)
    inside = pair.record_names.main
    if not len(main) or not inside.shape[1]:
        return np.zeros(len(inside), np.bool_)
    rows, last = np.arange(len(inside)), inside.shape[1] - 1
    ends: BoolArray = agreed[main[0]] & agreed[main[-1]]
    ends &= record_agreed[rows, inside.argmax(axis=1)]
    ends &= record_agreed[rows, last - inside[:, ::-1].argmax(axis=1)]
    return ends


def _numbers_differ(pair: NameComparison, aligned: Alignment) -> BoolArray:
    """Return whether both names have a number that the other lacks."""
    record_words = pair.record_names.words
    is_number = np.array([word[:1].isdigit() for word, _ in pair.contact_words])
    if not is_number.any():
        return np.zeros(len(record_words.inside), np.bool_)
    digits = np.array([word[:1].isdigit() for word in record_words.distinct] + [False])
    record_differs = (
        digits[record_words.index] & record_words.inside & (aligned.record < 0.5)
    ).any(axis=1)
    differ: BoolArray = record_differs & ((aligned.contact < 0.5) & is_number[:, None]).any(axis=0)
    return differ


def _in_place(context: ComparisonContext, words: list[str]) -> BoolArray:
    """Return which words the record has in its address or town, shape (words, records)."""
    numbers = np.array([context.index.addresses.lookup(normalise.address(word)) for word in words])
    record_words = context.address_table >> FLAG_BITS
    is_known = numbers >= 0
    result: BoolArray = (record_words[None] == numbers[:, None, None]).any(axis=2) & is_known[
        :, None
    ]
    return result


def _contact_words_in_record_email(context: ComparisonContext, words: list[str]) -> BoolArray:
    """Return which words the record's email contains, shape (words, records)."""
    result = np.zeros((len(words), len(context.rows)), np.bool_)
    for row, word in enumerate(words):
        if len(word) >= MIN_EMAIL_WORD_LENGTH:
            result[row, [i for i, mail in context.email_texts if word in mail]] = True
    return result


def _record_words_in_contact_email(
    context: ComparisonContext, record_words: WordTable
) -> BoolArray:
    """Return which record words the contact's emails contain, shape (records, max words)."""
    email_text = " ".join(context.contact.email_texts)
    if not email_text:
        return np.zeros(record_words.inside.shape, np.bool_)
    is_in_email = [
        len(word) >= MIN_EMAIL_WORD_LENGTH and word in email_text for word in record_words.distinct
    ]
    return np.array([*is_in_email, False])[record_words.index] & record_words.inside


def _ignore_spacing(pair: NameComparison, aligned: Alignment, together: BoolArray) -> None:
    """Mark all words outside brackets as equal where names differ by spaces alone.

    Goodwill equals Good Will.
    """
    if together.any():
        aligned.contact[np.ix_(~pair.parenthetical, together)] = EXACT
        aligned.record[pair.record_names.main & together[:, None]] = EXACT


def _spelling(pair: NameComparison) -> tuple[Floats, Floats]:
    """Return the similarity of the names letter by letter: in order, and with sorted words."""
    words = [word for word, flag in pair.contact_words if not flag & PARENTHETICAL]
    words = words or [word for word, _ in pair.contact_words]
    record_words, has_words = pair.record_names.words, pair.record_names.has_words
    distinct = [*record_words.distinct, ""]
    has_main = np.asarray(pair.record_names.main.any(axis=1))
    main = pair.record_names.main | (record_words.inside & ~has_main[:, None])
    lists = [[distinct[i] for i in row] for row in np.where(main, record_words.index, -1).tolist()]
    straight = ["".join(parts) for parts in lists]
    ordered = ["".join(sorted(parts)) for parts in lists]
    as_is = cdist(["".join(words)], straight, scorer=OSA.normalized_similarity)[0]
    swapped = cdist(["".join(sorted(words))], ordered, scorer=OSA.normalized_similarity)[0]
    return as_is.astype(np.float64) * has_words, swapped.astype(np.float64) * has_words
