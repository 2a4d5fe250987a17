-- COVID-19 figures as the COVID Tracking Project published them: a row a state and day, a row a day
-- for the nation, what is known about each state, and what the published API calls the figures.

CREATE TABLE states (
  state text CONSTRAINT states_pkey PRIMARY KEY
    CONSTRAINT states_state_check CHECK (state ~ '^[A-Z]{2}$'),
  name text NOT NULL CONSTRAINT states_name_key UNIQUE,
  slug text GENERATED ALWAYS AS
    (lower(regexp_replace(name, '[^A-Za-z0-9]+', '-', 'g'))) STORED,
  fips text CONSTRAINT states_fips_check CHECK (fips ~ '^[0-9]{2}$'),
  notes text,
  covid19_site text,
  covid19_site_secondary text,
  covid19_site_tertiary text,
  covid19_site_quaternary text,
  covid19_site_quinary text,
  covid19_site_old text,
  twitter text,
  pui text,
  pum boolean,
  preferred_total_test_units text,
  preferred_total_test_field text,
  total_test_results_field text,
  CONSTRAINT states_slug_key UNIQUE (slug)
);
COMMENT ON TABLE states IS 'The states and territories that report, and how they do';
COMMENT ON COLUMN states.state IS 'Postal code';
COMMENT ON COLUMN states.name IS 'Name';
COMMENT ON COLUMN states.slug IS 'The name as it stands in addresses: new-york';
COMMENT ON COLUMN states.fips IS 'FIPS code';
COMMENT ON COLUMN states.notes IS 'What to know about the state''s figures, Markdown';
COMMENT ON COLUMN states.covid19_site IS 'Where the state publishes its figures';
COMMENT ON COLUMN states.covid19_site_secondary IS 'Second address';
COMMENT ON COLUMN states.covid19_site_tertiary IS 'Third address';
COMMENT ON COLUMN states.covid19_site_quaternary IS 'Fourth address';
COMMENT ON COLUMN states.covid19_site_quinary IS 'Fifth address';
COMMENT ON COLUMN states.covid19_site_old IS 'An earlier address';
COMMENT ON COLUMN states.twitter IS 'Account of the health department';
COMMENT ON COLUMN states.pui IS 'What the state tells about people under investigation';
COMMENT ON COLUMN states.pum IS 'Whether the state tells about people under monitoring';
COMMENT ON COLUMN states.preferred_total_test_units IS
  'Unit of the preferred total of tests: Specimens, People or Encounters';
COMMENT ON COLUMN states.preferred_total_test_field IS
  'Which figure is the preferred total of tests, by its first name';
COMMENT ON COLUMN states.total_test_results_field IS
  'What total_test_results is made of in this state';

CREATE TABLE states_daily (
  date date NOT NULL,
  state text NOT NULL CONSTRAINT states_daily_state_fkey REFERENCES states,
  death integer,
  death_confirmed integer,
  death_increase integer,
  death_probable integer,
  hospitalized integer,
  hospitalized_cumulative integer,
  hospitalized_currently integer,
  hospitalized_increase integer,
  in_icu_cumulative integer,
  in_icu_currently integer,
  negative integer,
  negative_increase integer,
  negative_tests_antibody integer,
  negative_tests_people_antibody integer,
  negative_tests_viral integer,
  on_ventilator_cumulative integer,
  on_ventilator_currently integer,
  positive integer,
  positive_cases_viral integer,
  positive_increase integer,
  positive_score integer,
  positive_tests_antibody integer,
  positive_tests_antigen integer,
  positive_tests_people_antibody integer,
  positive_tests_people_antigen integer,
  positive_tests_viral integer,
  recovered integer,
  total_test_encounters_viral integer,
  total_test_encounters_viral_increase integer,
  total_test_results integer,
  total_test_results_increase integer,
  total_tests_antibody integer,
  total_tests_antigen integer,
  total_tests_people_antibody integer,
  total_tests_people_antigen integer,
  total_tests_people_viral integer,
  total_tests_people_viral_increase integer,
  total_tests_viral integer,
  total_tests_viral_increase integer,
  positive_negative bigint GENERATED ALWAYS AS (positive::bigint + negative) STORED,
  last_update timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT states_daily_pkey PRIMARY KEY (state, date),
  CONSTRAINT states_daily_levels_check CHECK (least(
      death, death_confirmed, death_probable, hospitalized, hospitalized_cumulative,
      hospitalized_currently, in_icu_cumulative, in_icu_currently, negative,
      negative_tests_antibody, negative_tests_people_antibody, negative_tests_viral,
      on_ventilator_cumulative, on_ventilator_currently, positive, positive_cases_viral,
      positive_score, positive_tests_antibody, positive_tests_antigen,
      positive_tests_people_antibody, positive_tests_people_antigen, positive_tests_viral,
      recovered, total_test_encounters_viral, total_test_results, total_tests_antibody,
      total_tests_antigen, total_tests_people_antibody, total_tests_people_antigen,
      total_tests_people_viral, total_tests_viral) >= 0)
);
COMMENT ON TABLE states_daily IS
  'The figures of each state and day; an increase may be negative, a level not';
COMMENT ON COLUMN states_daily.date IS 'The day the figures are of';
COMMENT ON COLUMN states_daily.state IS 'The state';
COMMENT ON COLUMN states_daily.death IS 'Deaths, confirmed and probable';
COMMENT ON COLUMN states_daily.death_confirmed IS 'Deaths with a confirmed case';
COMMENT ON COLUMN states_daily.death_increase IS 'Deaths more than the day before';
COMMENT ON COLUMN states_daily.death_probable IS 'Deaths with a probable case';
COMMENT ON COLUMN states_daily.hospitalized IS 'The same as hospitalized_cumulative, an older name';
COMMENT ON COLUMN states_daily.hospitalized_cumulative IS 'People who were ever in hospital';
COMMENT ON COLUMN states_daily.hospitalized_currently IS 'People in hospital on this day';
COMMENT ON COLUMN states_daily.hospitalized_increase IS
  'People ever in hospital, more than the day before';
COMMENT ON COLUMN states_daily.in_icu_cumulative IS 'People who were ever in intensive care';
COMMENT ON COLUMN states_daily.in_icu_currently IS 'People in intensive care on this day';
COMMENT ON COLUMN states_daily.negative IS 'People with a completed negative PCR test';
COMMENT ON COLUMN states_daily.negative_increase IS 'Negative tests more than the day before';
COMMENT ON COLUMN states_daily.negative_tests_antibody IS 'Negative antibody tests, specimens';
COMMENT ON COLUMN states_daily.negative_tests_people_antibody IS
  'People with a negative antibody test';
COMMENT ON COLUMN states_daily.negative_tests_viral IS 'Negative PCR tests, specimens';
COMMENT ON COLUMN states_daily.on_ventilator_cumulative IS 'People who were ever on a ventilator';
COMMENT ON COLUMN states_daily.on_ventilator_currently IS 'People on a ventilator on this day';
COMMENT ON COLUMN states_daily.positive IS 'Cases, confirmed and probable';
COMMENT ON COLUMN states_daily.positive_cases_viral IS 'Cases confirmed by PCR';
COMMENT ON COLUMN states_daily.positive_increase IS 'Cases more than the day before';
COMMENT ON COLUMN states_daily.positive_score IS 'No longer used by the publisher';
COMMENT ON COLUMN states_daily.positive_tests_antibody IS 'Positive antibody tests, specimens';
COMMENT ON COLUMN states_daily.positive_tests_antigen IS 'Positive antigen tests, specimens';
COMMENT ON COLUMN states_daily.positive_tests_people_antibody IS
  'People with a positive antibody test';
COMMENT ON COLUMN states_daily.positive_tests_people_antigen IS
  'People with a positive antigen test';
COMMENT ON COLUMN states_daily.positive_tests_viral IS 'Positive PCR tests, specimens';
COMMENT ON COLUMN states_daily.recovered IS 'People who recovered';
COMMENT ON COLUMN states_daily.total_test_encounters_viral IS
  'People tested by PCR a day, added up';
COMMENT ON COLUMN states_daily.total_test_encounters_viral_increase IS
  'Test encounters more than the day before';
COMMENT ON COLUMN states_daily.total_test_results IS 'Total tests in the unit the state prefers';
COMMENT ON COLUMN states_daily.total_test_results_increase IS
  'Total tests more than the day before';
COMMENT ON COLUMN states_daily.total_tests_antibody IS 'Antibody tests, specimens';
COMMENT ON COLUMN states_daily.total_tests_antigen IS 'Antigen tests, specimens';
COMMENT ON COLUMN states_daily.total_tests_people_antibody IS 'People tested for antibodies';
COMMENT ON COLUMN states_daily.total_tests_people_antigen IS 'People tested for antigens';
COMMENT ON COLUMN states_daily.total_tests_people_viral IS 'People tested by PCR';
COMMENT ON COLUMN states_daily.total_tests_people_viral_increase IS
  'People tested by PCR, more than the day before';
COMMENT ON COLUMN states_daily.total_tests_viral IS 'PCR tests, specimens';
COMMENT ON COLUMN states_daily.total_tests_viral_increase IS 'PCR tests more than the day before';
COMMENT ON COLUMN states_daily.positive_negative IS 'Cases and negative people together';
COMMENT ON COLUMN states_daily.last_update IS 'When the row was ingested or last changed';
CREATE INDEX states_daily_date_idx ON states_daily (date);

CREATE TABLE us_daily (
  date date CONSTRAINT us_daily_pkey PRIMARY KEY,
  states smallint NOT NULL CONSTRAINT us_daily_states_check CHECK (states >= 0),
  positive bigint,
  negative bigint,
  pending bigint,
  hospitalized_currently bigint,
  hospitalized_cumulative bigint,
  in_icu_currently bigint,
  in_icu_cumulative bigint,
  on_ventilator_currently bigint,
  on_ventilator_cumulative bigint,
  recovered bigint,
  death bigint,
  total_test_results bigint,
  positive_increase bigint,
  negative_increase bigint,
  death_increase bigint,
  hospitalized_increase bigint,
  total_test_results_increase bigint,
  last_update timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT us_daily_levels_check CHECK (least(
      positive, negative, pending, hospitalized_currently, hospitalized_cumulative,
      in_icu_currently, in_icu_cumulative, on_ventilator_currently, on_ventilator_cumulative,
      recovered, death, total_test_results) >= 0)
);
COMMENT ON TABLE us_daily IS 'The figures of the whole nation, day by day';
COMMENT ON COLUMN us_daily.date IS 'The day the figures are of';
COMMENT ON COLUMN us_daily.states IS 'States and territories that reported';
COMMENT ON COLUMN us_daily.positive IS 'Cases, confirmed and probable';
COMMENT ON COLUMN us_daily.negative IS 'People with a completed negative PCR test';
COMMENT ON COLUMN us_daily.pending IS 'Tests whose result is not known yet';
COMMENT ON COLUMN us_daily.hospitalized_currently IS 'People in hospital on this day';
COMMENT ON COLUMN us_daily.hospitalized_cumulative IS 'People who were ever in hospital';
COMMENT ON COLUMN us_daily.in_icu_currently IS 'People in intensive care on this day';
COMMENT ON COLUMN us_daily.in_icu_cumulative IS 'People who were ever in intensive care';
COMMENT ON COLUMN us_daily.on_ventilator_currently IS 'People on a ventilator on this day';
COMMENT ON COLUMN us_daily.on_ventilator_cumulative IS 'People who were ever on a ventilator';
COMMENT ON COLUMN us_daily.recovered IS 'People who recovered';
COMMENT ON COLUMN us_daily.death IS 'Deaths, confirmed and probable';
COMMENT ON COLUMN us_daily.total_test_results IS
  'Total tests of all states, in whatever unit each prefers';
COMMENT ON COLUMN us_daily.positive_increase IS 'Cases more than the day before';
COMMENT ON COLUMN us_daily.negative_increase IS 'Negative tests more than the day before';
COMMENT ON COLUMN us_daily.death_increase IS 'Deaths more than the day before';
COMMENT ON COLUMN us_daily.hospitalized_increase IS
  'People ever in hospital, more than the day before';
COMMENT ON COLUMN us_daily.total_test_results_increase IS 'Total tests more than the day before';
COMMENT ON COLUMN us_daily.last_update IS 'When the row was ingested or last changed';

CREATE TABLE population (
  area text CONSTRAINT population_pkey PRIMARY KEY
    CONSTRAINT population_area_check CHECK (area ~ '^[A-Z]{2}$'),
  population integer NOT NULL CONSTRAINT population_population_check CHECK (population > 0)
);
COMMENT ON TABLE population IS 'How many people live where; what shares of the population are of';
COMMENT ON COLUMN population.area IS 'Postal code of the state, or US';
COMMENT ON COLUMN population.population IS 'People';

CREATE TABLE field_definitions (
  field text CONSTRAINT field_definitions_pkey PRIMARY KEY
    CONSTRAINT field_definitions_field_check
    CHECK (field ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*(\.(current|cumulative))?$'),
  name text NOT NULL,
  definition text NOT NULL,
  unit text CONSTRAINT field_definitions_unit_check CHECK (unit IN ('people', 'samples')),
  source_column text CONSTRAINT field_definitions_source_column_check
    CHECK (source_column ~ '^[a-z][a-z0-9_]*$'),
  published_for text CONSTRAINT field_definitions_published_for_check
    CHECK (published_for IN ('states', 'us')),
  formerly text[] NOT NULL DEFAULT '{}',
  place smallint NOT NULL DEFAULT 1000,
  launched_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  CONSTRAINT field_definitions_kind_check
    CHECK ((source_column IS NULL) = (field !~ '\.(current|cumulative)$'))
);
COMMENT ON TABLE field_definitions IS
  'What the published API calls the figures. A field that names another one in formerly '
  'renames it; a field with removed_at is withdrawn';
COMMENT ON COLUMN field_definitions.field IS
  'Name in the API: category.field.current, category.field.cumulative; without the last '
  'part, a total that says which field to take';
COMMENT ON COLUMN field_definitions.name IS 'Name for people';
COMMENT ON COLUMN field_definitions.definition IS 'What is counted';
COMMENT ON COLUMN field_definitions.unit IS 'What is counted: people or samples';
COMMENT ON COLUMN field_definitions.source_column IS 'Column of states_daily and us_daily';
COMMENT ON COLUMN field_definitions.published_for IS 'states or us, where it is not both';
COMMENT ON COLUMN field_definitions.formerly IS 'Names it had before, the last one last';
COMMENT ON COLUMN field_definitions.place IS 'Order in the API';
COMMENT ON COLUMN field_definitions.launched_at IS 'When the name comes into use';
COMMENT ON COLUMN field_definitions.removed_at IS 'When its removal is announced';

CREATE TABLE changes (
  change_id text CONSTRAINT changes_pkey PRIMARY KEY,
  changed_at timestamptz NOT NULL,
  title text NOT NULL,
  description text,
  field text
);
COMMENT ON TABLE changes IS
  'Announcements for users of the API; the steps of renamed and removed fields are added to them';
COMMENT ON COLUMN changes.change_id IS 'Identifier of the announcement';
COMMENT ON COLUMN changes.changed_at IS 'When it takes effect';
COMMENT ON COLUMN changes.title IS 'What changes, in a line';
COMMENT ON COLUMN changes.description IS 'What users should know or do';
COMMENT ON COLUMN changes.field IS 'The field it is about, if it is about one';

CREATE TRIGGER note_update BEFORE UPDATE ON states_daily
  FOR EACH ROW EXECUTE FUNCTION service.note_covid_update();
CREATE TRIGGER note_update BEFORE UPDATE ON us_daily
  FOR EACH ROW EXECUTE FUNCTION service.note_covid_update();
