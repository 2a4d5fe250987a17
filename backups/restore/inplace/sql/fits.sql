-- Whether a value, given as text of one type, can be held by another type and read back unchanged.
CREATE OR REPLACE FUNCTION pg_temp.fits(value text, old_type text, new_type text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  unchanged boolean;
BEGIN
  EXECUTE format(
    'SELECT ((($1::%2$s)::%1$s)::%2$s)::text IS NOT DISTINCT FROM ($1::%2$s)::text',
    new_type, old_type)
    INTO unchanged USING value;
  RETURN unchanged;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR feature_not_supported
    OR undefined_function OR cannot_coerce THEN
  RETURN false;
END
$$
