-- A page of the incidents that meet all conditions, latest first.
SELECT {columns} FROM {incidents} WHERE {conditions}
ORDER BY created DESC, id DESC LIMIT %(size)s OFFSET %(offset)s
