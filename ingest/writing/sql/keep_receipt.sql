-- Keep a batch's rejections as its receipt has them.
UPDATE service.batch SET foreseen = %(rejections)s WHERE id = %(batch)s
