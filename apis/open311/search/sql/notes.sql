-- An incident's public notes, oldest first.
SELECT note_id AS id, created, note FROM open311.incident_notes
WHERE incident_id = %(incident_id)s AND public
ORDER BY created, note_id
