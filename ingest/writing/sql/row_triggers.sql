-- Whether triggers of a table, or of its partitions, see each row before it is inserted.
-- Parameter: the table's oid. (Bits of tgtype: 1 for each row, 2 before, 4 insert.)
SELECT EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid IN (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid::regclass))
      AND NOT tgisinternal AND tgtype & 7 = 7 AND tgenabled IN ('O', 'A')
)
