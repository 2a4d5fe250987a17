// One CSV record as fields, and fields as one CSV record (RFC 4180).

/** Return a record's fields; the text is one record that `CsvCutter` has cut. */
export function parseRecord(text, delimiter) {
  if (!text.includes('"')) return text.split(delimiter);
  const fields = [];
  let at = 0;
  do {
    let field = "";
    if (text[at] === '"') {
      let quote = at;
      do {
        const from = quote + 1;
        quote = text.indexOf('"', from);
        field += text.slice(from, quote);
        if (text[quote + 1] === '"') field += '"';
      } while (text[++quote] === '"');
      at = quote;
    } else {
      const end = text.indexOf(delimiter, at);
      field = text.slice(at, end < 0 ? text.length : end);
      at += field.length;
    }
    fields.push(field);
  } while (at++ < text.length);
  return fields;
}

/** Return the fields as a comma-separated record without a line end. */
export function writeRecord(fields) {
  const record = fields.map(writeField).join(",");
  return record || '""'; // an empty line would be no record
}

function writeField(field) {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
