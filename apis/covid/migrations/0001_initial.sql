-- When a row of covid.states_daily or covid.us_daily last changed: ingest updates only rows that
-- differ, so every update is a change. A row that brings its own moment keeps it.
CREATE FUNCTION service.note_covid_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.last_update = OLD.last_update THEN
    NEW.last_update := now();
  END IF;
  RETURN NEW;
END
$$;
