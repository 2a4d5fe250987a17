-- title: Hires by quarter
-- description: >-
--   How many people were hired into each department and job in each quarter of the year, counted
--   in UTC. Departments and jobs nobody was hired into are left out.
-- sources: [hiring.departments, hiring.jobs, hiring.employees]
-- columns:
--   department: {caption: Department, description: Name of the department}
--   job: {caption: Job, description: Title of the job}
--   q1: {caption: Q1, description: People hired from January to March}
--   q2: {caption: Q2, description: People hired from April to June}
--   q3: {caption: Q3, description: People hired from July to September}
--   q4: {caption: Q4, description: People hired from October to December}
-- order: [department, job]
-- parameters:
--   year: {value: 2021, description: The year whose hires are counted}
-- schedule: "*/15 * * * *"
-- chart:
--   kind: grouped_bars
--   category: department
--   values: [q1, q2, q3, q4]

WITH hired AS (
  -- Counted by number first: a million names need not be joined.
  SELECT department_id, job_id, extract(quarter FROM hire_date AT TIME ZONE 'UTC') AS quarter,
      count(*) AS people
  FROM hiring.employees
  WHERE hire_date >= make_timestamptz(%(year)s, 1, 1, 0, 0, 0, 'UTC')
    AND hire_date < make_timestamptz(%(year)s + 1, 1, 1, 0, 0, 0, 'UTC')
  GROUP BY department_id, job_id, quarter
)
SELECT department_name AS department, job_name AS job,
    coalesce(sum(people) FILTER (WHERE quarter = 1), 0)::bigint AS q1,
    coalesce(sum(people) FILTER (WHERE quarter = 2), 0)::bigint AS q2,
    coalesce(sum(people) FILTER (WHERE quarter = 3), 0)::bigint AS q3,
    coalesce(sum(people) FILTER (WHERE quarter = 4), 0)::bigint AS q4
FROM hired
JOIN hiring.departments USING (department_id)
JOIN hiring.jobs USING (job_id)
GROUP BY department_name, job_name
