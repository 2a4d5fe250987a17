INSERT INTO service.batch
    (id, created_at, table_name, key_prefix, format, on_conflict, atomic, dry_run,
     received, inserted, updated, ignored, rejected, duration_ms, foreseen, fields, nulls,
     additions)
VALUES
    (%(batch)s, %(created_at)s, %(table)s, %(key_prefix)s, %(format)s, %(on_conflict)s,
     %(atomic)s, %(dry_run)s, %(received)s, %(inserted)s, %(updated)s, %(ignored)s,
     %(rejected)s, %(duration_ms)s, %(foreseen)s, %(fields)s,
     %(nulls)s, %(additions)s)
