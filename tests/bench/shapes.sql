-- The tables of the ingest benchmark: each shape with foreign keys and without.
CREATE SCHEMA IF NOT EXISTS bench;

CREATE TABLE bench.departments (department_id integer PRIMARY KEY, department_name text NOT NULL);
CREATE TABLE bench.jobs (job_id integer PRIMARY KEY, job_name text NOT NULL);
INSERT INTO bench.departments SELECT n, 'Department ' || n FROM generate_series(1, 12) n;
INSERT INTO bench.jobs SELECT n, 'Job ' || n FROM generate_series(1, 183) n;

CREATE TABLE bench.narrow (
    employee_id integer PRIMARY KEY,
    employee_name varchar(255) NOT NULL,
    hire_date timestamptz NOT NULL,
    department_id integer NOT NULL,
    job_id integer NOT NULL
);
CREATE TABLE bench.narrow_fk (LIKE bench.narrow INCLUDING ALL);
ALTER TABLE bench.narrow_fk
    ADD FOREIGN KEY (department_id) REFERENCES bench.departments,
    ADD FOREIGN KEY (job_id) REFERENCES bench.jobs;

CREATE TABLE bench.wide (
    id bigint PRIMARY KEY,
    department_id integer NOT NULL, job_id integer NOT NULL,
    i1 integer NOT NULL, i2 integer NOT NULL, i3 integer, i4 bigint NOT NULL, i5 bigint, i6 smallint,
    n1 numeric(12, 2) NOT NULL, n2 numeric(12, 2) NOT NULL, n3 numeric(12, 2), n4 numeric,
    f1 double precision NOT NULL, f2 double precision, f3 real,
    b1 boolean NOT NULL, b2 boolean,
    d1 date NOT NULL, d2 date,
    t1 timestamptz NOT NULL, t2 timestamptz, t3 timestamp,
    u1 uuid NOT NULL,
    v1 varchar(40) NOT NULL, v2 varchar(40) NOT NULL, v3 varchar(40), v4 varchar(40),
    s1 text NOT NULL, s2 text NOT NULL, s3 text, s4 text, s5 text, s6 text, s7 text, s8 text,
    c1 char(2) NOT NULL, c2 char(2), c3 varchar(10), c4 varchar(10)
);
CREATE TABLE bench.wide_fk (LIKE bench.wide INCLUDING ALL);
ALTER TABLE bench.wide_fk
    ADD FOREIGN KEY (department_id) REFERENCES bench.departments,
    ADD FOREIGN KEY (job_id) REFERENCES bench.jobs;
