"""Made-up emails: no two people share a mailbox, and no two firms a domain."""

import random
from collections.abc import Iterable
from itertools import chain, count

PROVIDERS = [f"{name}.example" for name in ("postbox", "letterbox", "mail", "quickpost", "homenet")]
SHARES = [30, 20, 12, 8, 5]  # a few providers have most people
OFFICES = ["info", "accounts", "access", "sales"]


class Mailboxes:
    """The mailboxes and domains that are in use."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self._used = set(used)
        self._domains = {email.partition("@")[2] for email in self._used}

    def of_person(self, draw: random.Random, name: str) -> str:
        """Return a new mailbox at a provider."""
        words = [word.lower().replace("'", "") for word in name.replace("-", " ").split()]
        tail = str(draw.randint(1, 99)) if draw.random() < 0.4 else ""
        local = draw.choice(
            [f"{words[0]}.{words[-1]}", f"{words[0][0]}{words[-1]}", words[0] + words[-1]]
        )
        return self._new(local + tail, draw.choices(PROVIDERS, SHARES)[0])

    def of_firm(self, draw: random.Random, company: str, person: str) -> str:
        """Return a mailbox of a firm that has none yet, at a domain of its own."""
        kept = [word for word in company.lower().split() if word.isalpha()]
        heads = ["".join(kept[:size]) for size in (2, 3, 4)]
        domains = (f"{head}.example" for head in chain(heads, (f"{heads[0]}{n}" for n in count(2))))
        domain = next(domain for domain in domains if domain not in self._domains)
        self._domains.add(domain)
        return self.at_firm(draw, domain, person)

    def at_firm(self, draw: random.Random, domain: str, person: str) -> str:
        """Return another mailbox of a firm."""
        if person and draw.random() < 0.5:
            return self._new(person.split()[0].lower(), domain)
        return self._new(draw.choice(OFFICES), domain)

    def _new(self, local: str, domain: str) -> str:
        names = (f"{local}{number or ''}@{domain}" for number in count())
        email = next(email for email in names if email not in self._used)
        self._used.add(email)
        return email


def own_domain(email: str) -> str:
    """Return the domain of a firm's mailbox; empty for a provider's."""
    domain = email.partition("@")[2]
    return "" if domain in PROVIDERS else domain
