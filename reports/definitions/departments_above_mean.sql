-- title: Departments above the mean
-- description: >-
--   The departments that hired more people in the year than the mean over all departments, those
--   without any hire included; counted in UTC.
-- sources: [hiring.departments, hiring.employees]
-- columns:
--   department_id:
--     caption: Department number
--     description: Number of the department
--     role: dimension
--   department_name: {caption: Department, description: Name of the department}
--   hired: {caption: Hired, description: People hired in the year}
-- order: [hired desc, department_id]
-- parameters:
--   year: {value: 2021, description: The year whose hires are counted}
-- schedule: "*/15 * * * *"
-- chart:
--   kind: bars
--   category: department_name
--   values: [hired]
--   line: {caption: Mean over all departments, column: mean}

WITH hired AS (
  SELECT department_id, count(*) AS people
  FROM hiring.employees
  WHERE hire_date >= make_timestamptz(%(year)s, 1, 1, 0, 0, 0, 'UTC')
    AND hire_date < make_timestamptz(%(year)s + 1, 1, 1, 0, 0, 0, 'UTC')
  GROUP BY department_id
),
overall AS (
  SELECT (SELECT sum(people) FROM hired) / nullif(count(*), 0) AS mean FROM hiring.departments
)
SELECT department_id, department_name, people AS hired, mean
FROM hired
JOIN hiring.departments USING (department_id)
CROSS JOIN overall
WHERE people > mean
