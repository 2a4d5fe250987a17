"""The hiring dataset as files: the shared ones, or the same shape where they are not there."""

from pathlib import Path

from tests.browser.visits import pictures_are_wanted
from tests.hiring import FOLDER, TABLES

# How many employees lack a value in which column.
LACKING = {"department_id": 21, "employee_name": 19, "job_id": 16, "hire_date": 14}
BAD = sum(LACKING.values())
EMPLOYEES = 1999


def find_hiring_files(folder: Path) -> dict[str, Path]:
    """Return each table's CSV file, made in the folder where there is no shared one.

    Pictures for the documentation show people who are made up.
    """
    if FOLDER.is_dir() and not pictures_are_wanted():
        folder = FOLDER
    else:
        _write_files(folder)
    return {table: folder / f"{table}.csv" for table in TABLES}


def _write_files(folder: Path) -> None:
    columns = ["employee_id", "employee_name", "hire_date", "department_id", "job_id"]
    lacking = [name for name, rows in LACKING.items() for _ in range(rows)]
    lines = [",".join(columns)]
    for number in range(1, EMPLOYEES + 1):
        row = [str(number), f"Person {number}", "2021-07-27T16:02:08Z", "1", "1"]
        if number % 28 == 0 and lacking:
            row[columns.index(lacking.pop())] = ""
        lines.append(",".join(row))
    (folder / "employees.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "departments.csv").write_text("DEPARTMENT_ID, DEPARTMENT_NAME\n1,Sales\n")
    (folder / "jobs.csv").write_text("JOB_ID, JOB_NAME\n1,Clerk\n")
