"""What the corpus proved, as text."""

from amigate.judge import catalogue


def rules(ledger):
    for rule in catalogue.checks():
        counts = {s: len(v) for (r, s), v in ledger.cases.items() if r == rule}
        yield f"{rule}: {counts}"
