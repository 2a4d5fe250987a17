from collections import Counter

from db_setup.hiring.sample import BAD_EVERY, EMPLOYEES, rows


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(rows(1)) == list(rows(1))
    assert list(rows(1)) != list(rows(2))


def test_there_are_enough_rows_of_every_table() -> None:
    assert Counter(table for table, _ in rows(1)) == {
        "departments": 12,
        "jobs": 60,
        "employees": EMPLOYEES,
    }


def test_every_good_employee_has_a_department_and_a_job_that_exist() -> None:
    seen: dict[str, set[int]] = {"departments": set(), "jobs": set()}
    for table, row in rows(1):
        if table == "employees":
            if row["employee_id"] % BAD_EVERY:
                assert row["department_id"] in seen["departments"]
                assert row["job_id"] in seen["jobs"]
        else:
            seen[table].add(row[f"{table.removesuffix('s')}_id"])


def test_hires_lie_in_2020_to_2022() -> None:
    years = Counter(row["hire_date"][:4] for table, row in rows(1) if table == "employees")
    assert set(years) == {"2020", "2021", "2022"}
    assert min(years.values()) > 500
