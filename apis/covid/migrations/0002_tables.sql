-- What the API reads: written by its refresh, whole, in one transaction.

CREATE SCHEMA IF NOT EXISTS reports;

CREATE TABLE reports.covid_values (
  area text NOT NULL,
  date date NOT NULL,
  field text NOT NULL,
  value bigint NOT NULL,
  average_7_day numeric,
  population_percent numeric,
  change_from_prior_day bigint,
  change_7_day_percent numeric
) WITH (vacuum_truncate = off);
COMMENT ON TABLE reports.covid_values IS
  'The figures the COVID data API publishes, with what is computed from them, a row a figure';
COMMENT ON COLUMN reports.covid_values.area IS 'Postal code of the state, or US';
COMMENT ON COLUMN reports.covid_values.date IS 'Day';
COMMENT ON COLUMN reports.covid_values.field IS 'Name of the figure in the API';
COMMENT ON COLUMN reports.covid_values.value IS 'The figure';
COMMENT ON COLUMN reports.covid_values.average_7_day IS
  'Mean of the last seven days, this one among them; of figures of a day only';
COMMENT ON COLUMN reports.covid_values.population_percent IS 'Percent of the population';
COMMENT ON COLUMN reports.covid_values.change_from_prior_day IS 'More than the day before';
COMMENT ON COLUMN reports.covid_values.change_7_day_percent IS 'Percent more than a week before';

-- Figures of names that get no more updates, as they were last published.
CREATE TABLE reports.covid_frozen (LIKE reports.covid_values);
COMMENT ON TABLE reports.covid_frozen IS
  'Figures of fields that get no more updates, as they were last published';

CREATE TABLE reports.covid_days (
  area text NOT NULL,
  date date NOT NULL,
  last_update timestamptz NOT NULL,
  nested text NOT NULL,
  simple text NOT NULL,
  PRIMARY KEY (area, date)
) WITH (vacuum_truncate = off);
COMMENT ON TABLE reports.covid_days IS 'The API''s rows as JSON';
COMMENT ON COLUMN reports.covid_days.area IS 'Postal code of the state, or US';
COMMENT ON COLUMN reports.covid_days.date IS 'Day';
COMMENT ON COLUMN reports.covid_days.last_update IS 'When the figures last changed';
COMMENT ON COLUMN reports.covid_days.nested IS 'The row with computed values';
COMMENT ON COLUMN reports.covid_days.simple IS 'The row without them';

-- Rows of all states of a day, separated by commas, as blocks of DEFLATE that may follow one another.
CREATE TABLE reports.covid_packed_days (
  form text NOT NULL,
  date date NOT NULL,
  size integer NOT NULL,
  crc bigint NOT NULL,
  deflated bytea NOT NULL,
  PRIMARY KEY (form, date)
) WITH (vacuum_truncate = off);
ALTER TABLE reports.covid_packed_days ALTER deflated SET STORAGE EXTERNAL;
COMMENT ON TABLE reports.covid_packed_days IS 'The API''s rows of all states, compressed by day';
COMMENT ON COLUMN reports.covid_packed_days.form IS 'nested or simple';
COMMENT ON COLUMN reports.covid_packed_days.date IS 'Day';
COMMENT ON COLUMN reports.covid_packed_days.size IS 'Bytes of the rows';
COMMENT ON COLUMN reports.covid_packed_days.crc IS 'CRC-32 of the rows';
COMMENT ON COLUMN reports.covid_packed_days.deflated IS 'The rows, compressed';

CREATE TABLE reports.covid_states (
  state text PRIMARY KEY,
  slug text NOT NULL,
  metadata text NOT NULL
);
COMMENT ON TABLE reports.covid_states IS 'The states'' metadata as the API publishes them';
COMMENT ON COLUMN reports.covid_states.state IS 'Postal code';
COMMENT ON COLUMN reports.covid_states.slug IS 'The name as it stands in addresses';
COMMENT ON COLUMN reports.covid_states.metadata IS 'The metadata as JSON';

CREATE TABLE reports.covid_documents (
  name text PRIMARY KEY,
  body text NOT NULL
);
COMMENT ON TABLE reports.covid_documents IS 'Further parts of the API''s answers as JSON';
COMMENT ON COLUMN reports.covid_documents.name IS 'What it is';
COMMENT ON COLUMN reports.covid_documents.body IS 'The JSON';
