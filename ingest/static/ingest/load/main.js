// The page that loads a file: what was chosen, what the buttons do, a check or a load as a whole.

import { Refusal, call } from "../../site/api.js";
import { csvLayout, guessDelimiter } from "./csv.js";
import { find } from "./elements.js";
import {
  FileProblem, OtherFileNeeded, formatOf, readFirstRows, takeDrops, takePicks,
} from "./file.js";
import { InterruptedLoads, Journal } from "./journal.js";
import { jsonLayout } from "./json.js";
import { Mapping } from "./mapping.js";
import { Progress, Rejects, Tally, showOutcome, summarize } from "./outcome.js";
import { Gate, Refused, Stopped, Unanswered, sendFile } from "./sending.js";

const PREVIEWED_ROWS = 20;
const SOURCE = ["format", "encoding", "delimiter"]; // what tells how the file is read
const EXPECTED = [FileProblem, Refused, Stopped, Unanswered];

const form = find("load");
const mapping = new Mapping(find("mapping"));
const tables = new Map();
const { sender, hours } = form.dataset;
const findJournals = () => Journal.list(sender, Number(hours));
const interrupted = new InterruptedLoads(find("interrupted"), { findJournals, goOn });
let file = null;
let gate = null;
let isChecked = false;
let previews = 0;

function source() {
  return { file, ...readSource() };
}

function readSource() {
  return Object.fromEntries(SOURCE.map((id) => [id, find(id).value]));
}

async function take(chosen) {
  file = chosen;
  const format = formatOf(file.name);
  if (format) find("format").value = format;
  if (find("format").value === "csv") {
    const { rows } = await readFirstRows({ ...source(), format: "ndjson" }, 1);
    if (rows.length) find("delimiter").value = guessDelimiter(rows[0].text);
  }
  interrupted.show(file);
  await preview();
}

/** Show what the file's fields are, as everything that was chosen has it. */
async function preview() {
  previews += 1;
  const mine = previews;
  setChecked(false);
  for (const one of form.querySelectorAll('[data-for="csv"]')) {
    one.hidden = find("format").value !== "csv";
  }
  const table = find("table").value;
  if (!file || !table) return;
  mapping.clear("Reading the beginning of the file …");
  try {
    const [beginning, description] = await Promise.all([
      readFirstRows(source(), PREVIEWED_ROWS),
      describeTable(table),
    ]);
    if (mine === previews) showBeginning(beginning, description);
  } catch (error) {
    if (mine === previews) mapping.clear(error.message, { isBad: true });
    if (!(error instanceof Refusal)) throw error;
  }
  showButtons();
}

function showBeginning({ rows, problem }, description) {
  const { format, delimiter } = source();
  const hasHeader = find("header").value === "present";
  if (!rows.length) mapping.clear(problem ?? "There are no rows in this file.", { isBad: true });
  else if (format === "csv") mapping.showRecords(rows, description, { delimiter, hasHeader });
  else mapping.showObjects(rows, description);
  if (problem && rows.length) mapping.addProblem(`${problem} Only rows before it can be loaded.`);
}

async function describeTable(name) {
  if (!tables.has(name)) tables.set(name, await call(`/api/tables/${encodeURIComponent(name)}`));
  return tables.get(name);
}

function setChecked(value) {
  isChecked = value;
  showButtons();
}

function showButtons() {
  const isRunning = gate !== null;
  const isReady = file !== null && find("table").value !== "" && mapping.isUsable;
  find("choices").disabled = isRunning;
  find("check").disabled = isRunning || !isReady;
  find("go").disabled = isRunning || !isReady || !isChecked;
  find("pause").hidden = find("stop").hidden = !isRunning;
  find("pause").textContent = gate?.isPaused ? "Resume" : "Pause";
}

/** Everything that was chosen but the file: what a load needs to go on another time. */
function readPlan() {
  const { maxRows, maxCharacters } = form.dataset;
  return {
    source: readSource(),
    isHeader: find("format").value === "csv" && find("header").value === "present",
    table: find("table").value,
    onConflict: find("on-conflict").value,
    columns: mapping.columns,
    titles: mapping.titles,
    limits: { maxRows: Number(maxRows), maxCharacters: Number(maxCharacters) },
  };
}

/** Show what an earlier load was told. */
async function showPlan({ source, isHeader, table, onConflict, columns }) {
  for (const id of SOURCE) find(id).value = source[id];
  find("header").value = isHeader ? "present" : "absent";
  find("table").value = table;
  find("on-conflict").value = onConflict;
  await preview();
  mapping.choose(columns);
}

function load() {
  const plan = readPlan();
  start(plan, Journal.begin({ plan, file, sender }));
}

function goOn(journal) {
  showPlan(journal.plan);
  start(journal.plan, journal);
  find("pause").focus(); // the button that was pressed is gone, and the bar stands there
}

async function start(plan, journal) {
  gate = new Gate();
  interrupted.begin(journal);
  find("outcome").replaceChildren();
  showButtons();
  await run(plan, journal);
  gate = null;
  interrupted.end();
  setChecked(journal === null);
}

/**
 * Send the file's rows as the plan says: a load where there is a `journal`, else a check. The
 * journal is forgotten when nothing is left to load.
 */
async function run(plan, journal) {
  const isDryRun = journal === null;
  const source = { ...plan.source, file };
  const layout = source.format === "csv" ? csvLayout(plan) : jsonLayout(source.format);
  const tally = new Tally(journal?.before);
  const rejects = new Rejects(source, plan.titles);
  const progress = new Progress(file.size, { isDryRun, before: tally.received });
  const callbacks = {
    onRead: (bytes) => progress.moveTo(bytes),
    onWait: (reason) => progress.wait(reason),
    onReceipt: (rows, receipt) => {
      tally.add(rows, receipt);
      rejects.add(rows, receipt);
      progress.count(tally);
    },
  };
  const error = await attempt(sendFile({ source, plan, layout, journal, gate, ...callbacks }));
  const isOver = isDryRun || hasEnded(error, journal);
  if (isOver) journal?.forget();
  const failure = error?.message ?? null;
  progress.end(failure ?? summarize(tally, isDryRun));
  const deskUrl = isDryRun || !tally.began ? null : makeDeskUrl(plan.table, tally);
  const { placeName } = layout;
  showOutcome({ tally, rejects, failure, isDryRun, deskUrl, placeName, canGoOn: !isOver });
}

/** Return what has ended a load before its end, null where nothing has. */
async function attempt(load) {
  try {
    await load;
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

function makeDeskUrl(table, { began }) {
  return `/rejections/?${new URLSearchParams({ table, since: began.toISOString() })}`;
}

takePicks(find("file"), take);
for (const id of [...SOURCE, "header", "table"]) {
  find(id).addEventListener("change", preview);
}
find("on-conflict").addEventListener("change", () => setChecked(false));
find("mapping").addEventListener("mapping:changed", () => setChecked(false));
find("check").addEventListener("click", () => start(readPlan(), null));
find("go").addEventListener("click", load);
find("stop").addEventListener("click", () => gate.stop());
find("pause").addEventListener("click", () => {
  if (gate.isPaused) gate.resume();
  else gate.pause();
  showButtons();
});
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("beforeunload", (event) => {
  if (gate) event.preventDefault();
});
takeDrops(find("drop"), take);
interrupted.show(null);
history.scrollRestoration = "manual"; // after a reload it is seen, at the top
// A browser that goes back may have kept the choices.
if (find("file").files.length) take(find("file").files[0]);
