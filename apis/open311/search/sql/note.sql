-- One note, for its author.
SELECT note_id AS id, incident_id, created, note, public FROM open311.incident_notes
WHERE note_id = %(note_id)s
