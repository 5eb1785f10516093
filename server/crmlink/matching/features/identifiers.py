"""What codes say: postcode, email, phone and account number, each as rare as it is held."""

import numpy as np

from crmlink.matching.candidates import slips
from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.context import Scene
from crmlink.matching.features.similarity import Marks, rarity_of
from crmlink.matching.index import CODES, PHONES
from crmlink.matching.normalised import MAIL, mail_text

Features = dict[str, Floats]
ONE_LETTER = 1.01  # how many letters may differ, with room for rounding


def code_features(scene: Scene) -> Features:
    """Features of all codes that the contact has."""
    return (
        _postcodes(scene)
        | _emails(scene)
        | _phones(scene)
        | _code(scene, "account")
        | _kinds(scene)
    )


def _held(scene: Scene, field: str) -> Ints:
    held: Ints = scene.index.code_table[scene.rows, CODES.index(field)]
    return held


def _code(scene: Scene, field: str) -> Features:
    """Agreement, as the code's rarity, and difference."""
    value = getattr(scene.asked, field)
    if not value:
        return {}
    held = _held(scene, field)
    number = scene.index.codes.find(f"{field[0]}:{value}")
    rarity = float(rarity_of(scene.index.codes.held(np.array([number])), scene.total)[0])
    same = (held == number) & (number >= 0)
    return {
        f"{field}_same": same * rarity,
        f"{field}_other": ((held >= 0) & ~same).astype(np.float64),
    }


def _postcodes(scene: Scene) -> Features:
    asked = scene.asked.postcode
    if not asked:
        return {}
    columns = _code(scene, "postcode")
    same = columns["postcode_same"] > 0
    held = _held(scene, "postcode")
    alike = scene.alike_codes(asked, held, (held >= 0) & ~same)
    close = (alike * len(asked) >= len(asked) - ONE_LETTER) & ~same
    outward = _code(scene, "outward").get("outward_same", np.zeros(len(held)))
    part = (outward > 0) & ~same
    columns["outward_same"] = outward * part
    columns["postcode_near"] = np.where(close, _near_rarity(scene) if close.any() else 0.0, 0.0)
    columns["postcode_other"] = columns["postcode_other"] * ~close * ~part
    return columns


def _near_rarity(scene: Scene) -> float:
    """How rare the postcodes one slip from the contact's are together: short ones are not."""
    codes = scene.index.codes
    numbers = [codes.find(f"p:{code}") for code in slips(scene.asked.postcode)]
    near = np.array([number for number in numbers if number >= 0], np.int64)
    return float(rarity_of(np.array([codes.held(near).sum()]), scene.total)[0])


def _emails(scene: Scene) -> Features:
    asked = scene.asked.email
    if not asked:
        return {}
    columns = _code(scene, "email")
    same = columns["email_same"] > 0
    held = _held(scene, "email")
    alike = scene.alike_codes(asked, held, (held >= 0) & ~same)
    near: Floats = np.maximum(alike, scene.gram_cosine(mail_text(asked), MAIL) * ~same)
    columns["email_near"] = np.maximum(near - 0.3, 0.0)
    close = (np.maximum(near - 0.7, 0.0) * scene.log_total).astype(np.float64)
    columns["email_close"] = close
    columns["email_other"] = columns["email_other"] * (near < 0.5)
    domain = _code(scene, "domain")
    if domain:
        columns |= domain
        columns["domain_same"] = domain["domain_same"] * ~same
    return columns


def _phones(scene: Scene) -> Features:
    asked = scene.asked.phones
    if not asked:
        return {}
    held = scene.index.code_table[scene.rows, PHONES]
    numbers = np.array([scene.index.codes.find(f"+:{phone}") for phone in asked], np.int64)
    rarity = rarity_of(scene.index.codes.held(numbers), scene.total)
    same = (held[:, :, None] == numbers) & (numbers >= 0)
    agreed = (same * rarity).max(axis=(1, 2), initial=0)
    other = (held >= 0).any(axis=1) & (agreed == 0)
    near = _misdialled(scene, asked, held, other)
    return {
        "phone_same": agreed,
        "phone_near": near * scene.log_total,
        "phone_other": (other & ~near).astype(np.float64),
    }


def _misdialled(scene: Scene, asked: tuple[str, ...], held: Ints, among: Marks) -> Marks:
    """Where a phone differs from one of the contact's by a digit."""
    near = np.zeros(len(held), np.bool_)
    for column in range(held.shape[1]):
        of = among & (held[:, column] >= 0)
        for phone in asked if of.any() else ():
            alike = scene.alike_codes(phone, held[:, column], of)
            near |= alike * len(phone) >= len(phone) - ONE_LETTER
    return near


def _kinds(scene: Scene) -> Features:
    if not scene.asked.kind:
        return {}
    own = 1 if scene.asked.kind == "customer" else 2
    kinds = scene.index.kinds[scene.rows]
    return {"kind_other": ((kinds > 0) & (kinds != own)).astype(np.float64)}
