// Rows gathered into batches that the service takes.

/**
 * Yield batches, `{ number, rows }`, of up to `maxRows` rows and `maxCharacters` characters (a
 * longer row is a batch of its own). `pieces` yields arrays of rows; where it throws, the rows
 * before that are yielded first.
 */
export async function* gatherBatches(pieces, { maxRows, maxCharacters }) {
  let number = 0;
  let rows = [];
  let size = 0;
  const take = () => {
    const batch = { number, rows };
    number += 1;
    rows = [];
    size = 0;
    return batch;
  };
  let failure = null;
  try {
    for await (const piece of pieces) {
      for (const row of piece) {
        if (rows.length === maxRows || (rows.length && size + row.text.length > maxCharacters)) {
          yield take();
        }
        rows.push(row);
        size += row.text.length;
      }
    }
  } catch (error) {
    failure = error;
  }
  if (rows.length) yield take();
  if (failure) throw failure;
}
