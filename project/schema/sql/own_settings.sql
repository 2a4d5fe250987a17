-- What a connection through a pooler cannot bring in its start-up packet, for the user that runs
-- everything where Rowhouse has no roles of its own.
DO $$
DECLARE
  setting record;
BEGIN
  FOR setting IN
    SELECT * FROM (VALUES
      ('search_path', 'service'),
      ('timezone', 'UTC'),
      ('datestyle', 'ISO, MDY'),
      ('intervalstyle', 'postgres'),
      ('bytea_output', 'hex'),
      ('extra_float_digits', '1'),
      ('statement_timeout', {statement_timeout}),
      ('lock_timeout', {lock_timeout})
    ) AS rule (name, value)
  LOOP
    EXECUTE format(
      'ALTER ROLE CURRENT_USER IN DATABASE %I SET %I = %L',
      current_database(), setting.name, setting.value);
  END LOOP;
END
$$
