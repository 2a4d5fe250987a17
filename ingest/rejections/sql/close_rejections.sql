UPDATE service.rejection
SET state = 'replayed', resolved_at = %(now)s, replayed_batch_id = %(batch)s
WHERE id = ANY (%(ids)s)
