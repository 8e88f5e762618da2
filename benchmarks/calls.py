"""API calls per 1,000 records read and written, against the least that the vendor's pages and batches allow."""

from __future__ import annotations

from math import ceil

from benchmarks.measure import table
from benchmarks.practice import works

RECORDS = 1_000


def run() -> None:
    rows = [("calls per 1,000 leads", "read", "minimum", "written", "minimum", "idle poll")]
    for crm, page, batch in (("salesforce", 2_000, 200), ("hubspot", 200, 100)):
        with works(crm, RECORDS) as (opened, practice):
            link = opened.links["crm"]
            link.connector.check()
            before = sum(practice.requests().values())
            opened.intake.poll(link)
            read = sum(practice.requests().values())
            opened.deliver()
            written = sum(practice.requests().values())
            opened.intake.poll(link)  # our own echo comes back
            echoed = sum(practice.requests().values())
            opened.intake.poll(link)
            idle = sum(practice.requests().values()) - echoed
            count = opened.store.read(lambda t: t.rows("SELECT count(*) FROM record WHERE kind = 'lead'"))[0][0]
            done = opened.store.read(lambda t: t.rows("SELECT count(*) FROM outbox WHERE state = 'done'"))[0][0]
            rows.append(
                (
                    f"{crm}: {count} read, {done} written",
                    str(read - before),
                    str(ceil(count / page)),
                    str(written - read),
                    str(ceil(done / batch)),
                    str(idle),
                )
            )
    table("API calls (the read column holds every stream: records and what was said on them)", rows)
