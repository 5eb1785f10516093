"""What emails, phones, account number and kind say, each code as rare as it is held.

Of several emails or phones the one that agrees speaks; they differ only where all do.
"""

import numpy as np

from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.similarity import BoolArray
from crmlink.matching.index import ACCOUNT, DOMAINS, EMAILS, PHONES
from crmlink.matching.normalised import EMAIL, is_email

Features = dict[str, Floats]
ONE_LETTER = 1.01  # how many letters may differ, with room for rounding


def code_features(scene: ComparisonContext) -> Features:
    """Features of all codes that the contact has, but for those of its addresses."""
    asked = scene.asked
    account = (asked.account,) if asked.account else ()
    return (
        _emails(scene)
        | _phones(scene)
        | _codes(scene, "account", account, ACCOUNT)
        | _kinds(scene)
        | _retired(scene)
    )


def _codes(scene: ComparisonContext, field: str, values: tuple[str, ...], part: slice) -> Features:
    """Agreement of any value, as the code's rarity, and difference of all."""
    if not values:
        return {}
    held = scene.index.code_table[scene.rows, part]
    numbers, rarity = scene.codes("+" if field == "phone" else field[0], values)
    same = (held[:, :, None] == numbers) & (numbers >= 0)
    agreed = (same * rarity).max(axis=(1, 2), initial=0.0)
    other = (held >= 0).any(axis=1) & ~same.any(axis=(1, 2))
    columns = {f"{field}_same": agreed, f"{field}_other": other.astype(np.float64)}
    if len(values) > 1:
        columns[f"{field}_second"] = (same.sum(axis=(1, 2)) > 1).astype(np.float64)
    return columns


def _emails(scene: ComparisonContext) -> Features:
    asked = scene.asked.emails
    if not asked:
        return {}
    columns = _codes(scene, "email", asked, EMAILS)
    same = columns["email_same"] > 0
    near: Floats = _near_emails(scene, asked, ~same)
    columns["email_near"] = np.maximum(near - 0.3, 0.0)
    columns["email_close"] = (np.maximum(near - 0.7, 0.0) * scene.log_total).astype(np.float64)
    comparable = _has_whole_email(scene) if any(map(is_email, asked)) else np.zeros_like(same)
    columns["email_other"] = columns["email_other"] * (near < 0.5) * comparable
    domain = _codes(scene, "domain", scene.asked.domains, DOMAINS)
    if domain:
        columns |= domain
        columns["domain_same"] = domain["domain_same"] * ~same
    return columns


def _near_emails(scene: ComparisonContext, asked: tuple[str, ...], among: BoolArray) -> Floats:
    """How alike the likest two emails are letter by letter, where `among` is true; else 0."""
    held = scene.index.code_table[scene.rows, EMAILS]
    near: Floats = np.zeros(len(held))
    for email, text in zip(asked, scene.asked.mail_texts, strict=True):
        for column in range(held.shape[1]):
            of = among & (held[:, column] >= 0)
            if of.any():
                np.maximum(near, scene.alike_codes(email, held[:, column], of), out=near)
        np.maximum(near, scene.gram_cosine(text, EMAIL) * among, out=near)
    return near


def _has_whole_email(scene: ComparisonContext) -> BoolArray:
    """Which records have an email that is none of the misspelt ones."""
    held = scene.index.code_table[scene.rows, EMAILS]
    words = scene.index.codes.words
    whole = [any(n >= 0 and is_email(words[n]) for n in row) for row in held.tolist()]
    return np.array(whole, np.bool_)


def _phones(scene: ComparisonContext) -> Features:
    asked = scene.asked.phones
    if not asked:
        return {}
    held = scene.index.code_table[scene.rows, PHONES]
    columns = _codes(scene, "phone", asked, PHONES)
    other = columns["phone_other"] > 0
    near = _one_digit_off(scene, asked, held, other)
    columns["phone_near"] = (near * scene.log_total).astype(np.float64)
    columns["phone_other"] = (other & ~near).astype(np.float64)
    return columns


def _one_digit_off(
    scene: ComparisonContext, asked: tuple[str, ...], held: Ints, among: BoolArray
) -> BoolArray:
    """Where a phone differs from one of the contact's by a digit."""
    near = np.zeros(len(held), np.bool_)
    for column in range(held.shape[1]):
        of = among & (held[:, column] >= 0)
        for phone in asked if of.any() else ():
            alike = scene.alike_codes(phone, held[:, column], of)
            near |= alike * len(phone) >= len(phone) - ONE_LETTER
    return near


def _kinds(scene: ComparisonContext) -> Features:
    if not scene.asked.kind:
        return {}
    own = 1 if scene.asked.kind == "customer" else 2
    kinds = scene.index.kinds[scene.rows]
    return {"kind_other": ((kinds > 0) & (kinds != own)).astype(np.float64)}


def _retired(scene: ComparisonContext) -> Features:
    """A contact that is in use has rather a record that is."""
    if scene.asked.retired:
        return {}
    return {"retired_record": scene.index.retired(scene.rows).astype(np.float64)}
