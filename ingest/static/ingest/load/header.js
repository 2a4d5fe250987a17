// Which column each field of a CSV header belongs to.

const DELIMITERS = [",", ";", "\t", "|"];

/**
 * Return the writable column of each field, "" where there is none: found as the service finds
 * it, without regard to case, spaces and underscores. A column is given to one field only.
 */
export function matchHeader(header, columns) {
  const names = columns.filter((column) => !column.read_only).map((column) => column.name);
  const taken = new Set();
  return header.map((field) => {
    const trimmed = field.trim();
    const alike = names.filter((name) => simplify(name) === simplify(field));
    const found = names.includes(trimmed) ? [trimmed] : alike;
    if (found.length !== 1 || taken.has(found[0])) return "";
    taken.add(found[0]);
    return found[0];
  });
}

/** Return the names of the columns that every row must bring and no field has. */
export function findMissing(chosen, columns) {
  return columns
    .filter((column) => column.required && !chosen.includes(column.name))
    .map((column) => column.name);
}

/** Return the delimiter that stands most often in the first line. */
export function guessDelimiter(line) {
  const count = (delimiter) => line.split(delimiter).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

function simplify(name) {
  return name.replaceAll(/[ _]/g, "").trim().toLowerCase();
}
