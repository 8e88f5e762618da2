"""Records per second on one core: page bytes, inbox, timeline, clocks and outbox, down to durable rows.

Against the stack a user would put together: pydantic models, businesstimedelta, sqlite-utils row by row, APScheduler
jobs in a persistent store. The emulator runs in another process; what counts is this process's CPU time.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from datetime import time as time_of
from pathlib import Path

from benchmarks.measure import table
from benchmarks.practice import works

RECORDS = 20_000
PEER_RECORDS = 400
ROUNDS = 3


def ours(crm: str) -> tuple[float, int]:
    """CPU seconds of the first poll with everything that follows from it, and the rows that came."""
    with works(crm, RECORDS) as (opened, _):
        link = opened.links["crm"]
        link.connector.check()  # log in and describe: once per day, not once per record
        began = time.process_time()
        opened.intake.poll(link)
        taken = time.process_time() - began
        leads = opened.store.read(lambda t: t.rows("SELECT count(*) FROM record WHERE kind = 'lead'"))[0][0]
        clocks = opened.store.read(lambda t: t.rows("SELECT count(*) FROM clock"))[0][0]
        assert clocks >= leads > RECORDS // 3, (clocks, leads)
        return taken, leads


def peers() -> tuple[float, int]:
    """The same leads through the peers' stack."""
    import businesstimedelta
    import pytz
    import sqlite_utils
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler
    from pydantic import BaseModel

    class Lead(BaseModel):
        Id: str
        Name: str
        Status: str
        LeadSource: str | None
        OwnerId: str
        CreatedDate: datetime
        SystemModstamp: datetime

    zone = pytz.timezone("America/New_York")
    day = businesstimedelta.WorkDayRule(
        start_time=time_of(9), end_time=time_of(17), working_days=[0, 1, 2, 3, 4], tz=zone
    )
    rules = businesstimedelta.Rules([day])
    now = datetime.now(UTC).replace(microsecond=0)
    page = json.dumps(
        [
            {
                "Id": f"00Q{i:015d}", "Name": f"Lead {i}", "Status": "Open - Not Contacted", "LeadSource": "Web",
                "OwnerId": "005000000000001AAA", "CreatedDate": now.isoformat(), "SystemModstamp": now.isoformat(),
            }
            for i in range(PEER_RECORDS)
        ]
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite_utils.Database(Path(folder, "peer.db"))
        scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{folder}/jobs.db")})
        scheduler.start()
        began = time.process_time()
        for row in json.loads(page):
            lead = Lead.model_validate(row)
            database["lead"].insert(lead.model_dump(mode="json"), pk="Id")
            for hours in (4, 40):
                due = lead.CreatedDate.astimezone(zone) + businesstimedelta.BusinessTimeDelta(rules, hours=hours)
                scheduler.add_job(print, "date", run_date=due.astimezone(UTC) + timedelta(days=3650))
        taken = time.process_time() - began
        scheduler.shutdown(wait=False)
    return taken, PEER_RECORDS


def run() -> None:
    rows = [("page bytes to durable rows, one core", "records", "CPU s", "records/s", "× peers")]
    peer_s, peer_n = peers()
    peer_rate = peer_n / peer_s
    for crm in ("salesforce", "hubspot"):
        seconds, count = sorted(ours(crm) for _ in range(ROUNDS))[ROUNDS // 2]
        rate = count / seconds
        rows.append((crm, f"{count}", f"{seconds:.2f}", f"{rate:,.0f}", f"{rate / peer_rate:.0f}"))
    rows.append(
        (
            "pydantic, businesstimedelta, sqlite-utils, APScheduler",
            str(peer_n),
            f"{peer_s:.2f}",
            f"{peer_rate:,.0f}",
            "1",
        )
    )
    table("End to end (goal: 10,000 records/s)", rows)
