// How a batch of rows is written as the body of a request.

import { parseRecord, writeRecord } from "./csv_fields.js";

/**
 * Return how CSV records are sent. `columns` has the column of each field, "" for one left out.
 * Records are sent as they are where no field is left out and commas are the delimiter.
 */
export function csvLayout({ columns, delimiter }) {
  const kept = columns.flatMap((column, place) => (column ? [place] : []));
  const header = writeRecord(kept.map((place) => columns[place]));
  const isSentAsIs = kept.length === columns.length && delimiter === ",";
  const rewrite = (text) => writeRecord(pick(parseRecord(text, delimiter), columns.length, kept));
  return {
    mediaType: "text/csv",
    placeName: "line",
    write: (rows) =>
      [header, ...rows.map(({ text }) => (isSentAsIs ? text : rewrite(text)))].join("\r\n"),
  };
}

/** Return how rows of JSON are sent: as lines or as an array, never changed. */
export function jsonLayout(format) {
  const texts = (rows) => rows.map(({ text }) => text);
  if (format === "ndjson") {
    const write = (rows) => texts(rows).join("\n");
    return { mediaType: "application/x-ndjson", placeName: "line", write };
  }
  const write = (rows) => `[${texts(rows).join(",\n")}]`;
  return { mediaType: "application/json", placeName: "row", write };
}

function pick(fields, width, kept) {
  if (fields.length === width) return kept.map((place) => fields[place]);
  // A record with too many or too few fields must not become one with the right number.
  return fields.length === kept.length ? [...fields, ""] : fields;
}
