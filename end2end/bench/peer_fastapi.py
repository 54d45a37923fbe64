"""What an engineer would write in an afternoon: the state of one site, by FastAPI and uvicorn."""

import datetime
import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Site(BaseModel):
    id: str
    name: str
    state: str
    since: datetime.datetime
    read_at: datetime.datetime


class Status(BaseModel):
    state: str
    since: datetime.datetime
    sites: list[Site]


app = FastAPI()
since = datetime.datetime.now(datetime.UTC)


@app.get("/api/v1/status")
async def status() -> Status:
    now = datetime.datetime.now(datetime.UTC)
    return Status(state="normal", since=since, sites=[Site(id="bench", name="Bench", state="normal", since=since, read_at=now)])


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
