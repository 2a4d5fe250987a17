-- What happened to an incident that anyone may know, oldest first.
SELECT date, type, status_id, note
FROM (
  SELECT changed AS date, 'status' AS type, status_id, NULL AS note, change_id AS place
  FROM open311.incident_history WHERE incident_id = %(incident_id)s
  UNION ALL
  SELECT created, 'note', NULL, note, note_id
  FROM open311.incident_notes WHERE incident_id = %(incident_id)s AND public
) events
ORDER BY date, type DESC, place
