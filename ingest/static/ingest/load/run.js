// A check or a load from its beginning to its end, as the page shows it.

import { Refused, Unanswered } from "./delivery.js";
import { Stopped } from "./gate.js";
import { makeId } from "./journal.js";
import { csvLayout, jsonLayout } from "./layouts.js";
import { loadFile } from "./load.js";
import { showOutcome, summarize } from "./outcome.js";
import { makePost } from "./post.js";
import { FileProblem, OtherFileNeeded } from "./problem.js";
import { Progress } from "./progress.js";
import { Rejects } from "./rejects.js";
import { Tally } from "./tally.js";

const EXPECTED = [FileProblem, Refused, Stopped, Unanswered];

/**
 * Send the file's rows as the plan says: a load where there is a `journal`, else a check. The
 * journal is forgotten when nothing is left to load.
 */
export async function run({ plan, file, gate, journal, outcome }) {
  const isDryRun = journal === null;
  const { table, source, columns, onConflict, limits, isHeader } = plan;
  const { delimiter } = source;
  const layout = source.format === "csv" ? csvLayout({ columns, delimiter }) : jsonLayout(source.format);
  const tally = new Tally(journal?.before);
  const rejects = new Rejects({ ...source, file }, plan.titles);
  const progress = new Progress(file.size, { isDryRun, before: tally.received });
  const error = await attempt(() =>
    loadFile({
      ...{ source: { ...source, file }, layout, limits, isHeader, gate, journal },
      post: makePost(table, { id: journal?.id ?? makeId(), onConflict, isDryRun }),
      onRead: (bytes) => progress.moveTo(bytes),
      onReceipt: (rows, receipt) => {
        tally.add(rows, receipt);
        rejects.add(rows, receipt);
        progress.count(tally);
      },
      onWait: (reason) => progress.wait(reason),
    }),
  );
  const isOver = isDryRun || hasEnded(error, journal);
  if (isOver) journal?.forget();
  const failure = error?.message ?? null;
  progress.end(failure ?? summarize(tally, isDryRun));
  const desk = isDryRun || !tally.began ? null : deskAddress(table, tally);
  const { placeName } = layout;
  showOutcome({ place: outcome, tally, failure, isDryRun, rejects, desk, placeName, canGoOn: !isOver });
}

/** Return what has ended a load before its end, null where nothing has. */
async function attempt(load) {
  try {
    await load();
    return null;
  } catch (error) {
    if (!EXPECTED.some((kind) => error instanceof kind)) reportError(error);
    return error;
  }
}

// What comes after damage is not loaded; a batch that is refused is not stored.
function hasEnded(error, journal) {
  if (error === null) return true;
  if (error instanceof FileProblem) return !(error instanceof OtherFileNeeded);
  return error instanceof Refused && journal.rows === 0;
}

function deskAddress(table, tally) {
  return `/rejections/?${new URLSearchParams({ table, since: tally.began.toISOString() })}`;
}
