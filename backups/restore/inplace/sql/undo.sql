-- The rows that a restore changed, as they are now, to be changed back: the difference of an undo.
-- A row that was changed since is "left" as it is, unless that is asked for.
INSERT INTO {relation}
WITH expected AS (SELECT {columns}, {identity} AS rowhouse_id, {number} AS rowhouse_number
                  FROM {undo} WHERE rowhouse_image = 'after'),
wanted AS (SELECT {columns}, {identity} AS rowhouse_id, {wanted_number} AS rowhouse_number
           FROM {undo} WHERE rowhouse_image = 'before'),
live AS (SELECT tableoid AS rowhouse_table, ctid AS rowhouse_place, {columns},
                {identity} AS rowhouse_id, {number} AS rowhouse_number
         FROM {table}),
state AS (
    SELECT live.rowhouse_table, live.rowhouse_place,
        w.rowhouse_id IS NOT NULL AS is_wanted, live.rowhouse_id IS NOT NULL AS is_there,
        CASE WHEN e.rowhouse_id IS NULL OR live.rowhouse_id IS NULL
             THEN e.rowhouse_id IS NULL AND live.rowhouse_id IS NULL
             ELSE {as_restored} END AS is_as_restored,
        CASE WHEN w.rowhouse_id IS NULL OR live.rowhouse_id IS NULL
             THEN w.rowhouse_id IS NULL AND live.rowhouse_id IS NULL
             ELSE {as_wanted} END AS is_as_wanted,
        CASE WHEN w.rowhouse_id IS NULL OR live.rowhouse_id IS NULL
             THEN false ELSE {moves} END AS moves,
        {wanted_columns}, {live_columns}
    FROM expected e FULL JOIN wanted w USING (rowhouse_id, rowhouse_number)
    LEFT JOIN live USING (rowhouse_id, rowhouse_number)
)
SELECT
    CASE WHEN NOT (is_as_restored OR {force}) THEN 'left'
         WHEN NOT is_there THEN 'inserted' WHEN NOT is_wanted THEN 'deleted'
         WHEN moves THEN 'moved' ELSE 'updated' END,
    side.*
FROM state CROSS JOIN LATERAL (
    SELECT 'before', rowhouse_table, rowhouse_place, {state_live_columns} WHERE is_there
    UNION ALL
    SELECT 'after', rowhouse_table, rowhouse_place, {state_wanted_columns} WHERE is_wanted
) side
WHERE NOT is_as_wanted
