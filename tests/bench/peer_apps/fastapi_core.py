"""FastAPI with a Pydantic model for each row, stored by SQLAlchemy's core (ASGI)."""

import os
from datetime import datetime

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, create_engine

_url = os.environ["PEER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
engine = create_engine(_url, pool_size=8)
employees = Table(
    "narrow_fk",
    MetaData(schema="bench"),
    Column("employee_id", Integer, primary_key=True),
    Column("employee_name", Text),
    Column("hire_date", DateTime(timezone=True)),
    Column("department_id", Integer),
    Column("job_id", Integer),
)
application = FastAPI()


class Employee(BaseModel):
    """One row."""

    employee_id: int
    employee_name: str
    hire_date: datetime
    department_id: int
    job_id: int


@application.post("/employees", status_code=201)
def store(rows: list[Employee]) -> dict[str, int]:
    """Store a list of rows."""
    with engine.begin() as connection:
        connection.execute(employees.insert(), [row.model_dump() for row in rows])
    return {"inserted": len(rows)}
