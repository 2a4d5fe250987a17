-- Who was hired, when, into which department and job. Names are without a schema: setup_db makes
-- these tables in `hiring`.

CREATE TABLE departments (
  department_id integer CONSTRAINT departments_pkey PRIMARY KEY,
  department_name varchar(255) NOT NULL
);
COMMENT ON TABLE departments IS 'The departments people are hired into';
COMMENT ON COLUMN departments.department_id IS 'Number of the department';
COMMENT ON COLUMN departments.department_name IS 'Name of the department';

CREATE TABLE jobs (
  job_id integer CONSTRAINT jobs_pkey PRIMARY KEY,
  job_name varchar(255) NOT NULL
);
COMMENT ON TABLE jobs IS 'The jobs people are hired for';
COMMENT ON COLUMN jobs.job_id IS 'Number of the job';
COMMENT ON COLUMN jobs.job_name IS 'Title of the job';

CREATE TABLE employees (
  employee_id integer CONSTRAINT employees_pkey PRIMARY KEY,
  employee_name varchar(255) NOT NULL,
  hire_date timestamptz NOT NULL,
  department_id integer NOT NULL
    CONSTRAINT employees_department_id_fkey REFERENCES departments,
  job_id integer NOT NULL
    CONSTRAINT employees_job_id_fkey REFERENCES jobs
);
COMMENT ON TABLE employees IS 'The people who were hired';
COMMENT ON COLUMN employees.employee_id IS 'Number of the employee';
COMMENT ON COLUMN employees.employee_name IS 'First and last name';
COMMENT ON COLUMN employees.hire_date IS 'When the person was hired';
COMMENT ON COLUMN employees.department_id IS 'The department the person was hired into';
COMMENT ON COLUMN employees.job_id IS 'The job the person was hired for';

-- A delete or a new number of a department or job looks for its employees; reports group by both.
CREATE INDEX employees_department_id_idx ON employees (department_id);
CREATE INDEX employees_job_id_idx ON employees (job_id);
