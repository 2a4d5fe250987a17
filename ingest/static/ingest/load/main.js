// The page that loads a file: what was chosen, and what the buttons do.

import { Refusal, call } from "../../site/api.js";
import { Refused, Unanswered } from "./delivery.js";
import { takeDrops } from "./drops.js";
import { guessDelimiter } from "./header.js";
import { formatOf, readFirstRows } from "./file_rows.js";
import { Gate, Stopped } from "./gate.js";
import { csvLayout, jsonLayout } from "./layouts.js";
import { loadFile } from "./load.js";
import { Mapping } from "./mapping.js";
import { showOutcome, summarize } from "./outcome.js";
import { makePost } from "./post.js";
import { FileProblem } from "./problem.js";
import { Progress } from "./progress.js";
import { Rejects } from "./rejects.js";
import { Tally } from "./tally.js";

const PREVIEWED_ROWS = 20;
const EXPECTED = [FileProblem, Refused, Unanswered];

const find = (id) => document.getElementById(id);
const form = find("load");
const mapping = new Mapping(find("mapping"));
const tables = new Map();
let file = null;
let gate = null;
let isChecked = false;
let previews = 0;

function source() {
  return {
    file,
    format: find("format").value,
    encoding: find("encoding").value,
    delimiter: find("delimiter").value,
  };
}

async function take(chosen) {
  file = chosen;
  const format = formatOf(file.name);
  if (format) find("format").value = format;
  if (find("format").value === "csv") {
    const { rows } = await readFirstRows({ ...source(), format: "ndjson" }, 1);
    if (rows.length) find("delimiter").value = guessDelimiter(rows[0].text);
  }
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
  const isReady = file !== null && find("table").value !== "" && mapping.isShown && mapping.isUsable;
  find("choices").disabled = isRunning;
  find("check").disabled = isRunning || !isReady;
  find("go").disabled = isRunning || !isReady || !isChecked;
  find("pause").hidden = find("stop").hidden = !isRunning;
  find("pause").textContent = gate?.isPaused ? "Resume" : "Pause";
}

async function run({ isDryRun }) {
  const chosen = source();
  const isCsv = chosen.format === "csv";
  const table = find("table").value;
  const layout = isCsv
    ? csvLayout({ columns: mapping.columns, delimiter: chosen.delimiter })
    : jsonLayout(chosen.format);
  const tally = new Tally();
  const rejects = new Rejects(chosen, mapping.titles);
  const progress = new Progress(file.size, { isDryRun });
  gate = new Gate();
  find("outcome").replaceChildren();
  showButtons();
  const failure = await attempt(() =>
    loadFile({
      source: chosen,
      layout,
      limits: { maxRows: Number(form.dataset.maxRows), maxCharacters: Number(form.dataset.maxCharacters) },
      isHeader: isCsv && find("header").value === "present",
      gate,
      post: makePost(table, { onConflict: find("on-conflict").value, isDryRun }),
      onRead: (bytes) => progress.moveTo(bytes),
      onReceipt: (rows, receipt) => {
        tally.add(rows, receipt);
        rejects.add(rows, receipt);
        progress.count(tally);
      },
      onWait: (reason) => progress.wait(reason),
    }),
  );
  gate = null;
  progress.end(failure ?? summarize(tally, isDryRun));
  setChecked(isDryRun);
  const desk = isDryRun || !tally.began ? null : deskAddress(table, tally);
  const { placeName } = layout;
  showOutcome({ place: find("outcome"), tally, failure, isDryRun, rejects, desk, placeName });
}

/** Return why a load has ended before its end, null where it has not. */
async function attempt(load) {
  try {
    await load();
    return null;
  } catch (error) {
    if (error instanceof Stopped) return "Stopped.";
    if (!EXPECTED.some((kind) => error instanceof kind)) reportError(error);
    return error.message;
  }
}

function deskAddress(table, tally) {
  return `/rejections/?${new URLSearchParams({ table, since: tally.began.toISOString() })}`;
}

find("file").addEventListener("change", (event) => {
  if (event.target.files.length) take(event.target.files[0]);
});
for (const id of ["format", "encoding", "delimiter", "header", "table"]) {
  find(id).addEventListener("change", preview);
}
find("on-conflict").addEventListener("change", () => setChecked(false));
find("mapping").addEventListener("mapping:changed", () => setChecked(false));
find("check").addEventListener("click", () => run({ isDryRun: true }));
find("go").addEventListener("click", () => run({ isDryRun: false }));
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
// A browser that goes back may have kept the choices.
if (find("file").files.length) take(find("file").files[0]);
