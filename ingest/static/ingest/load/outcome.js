// What became of a load: counts, reasons, the rejected rows to take away or to mend.

import { make, makeTable } from "./elements.js";
import { number } from "./progress.js";

let shownFile = null;

/**
 * Show a load that has ended: `failure` says why before its end, `desk` is the address of its
 * rejections (null after a check, which logs none), `placeName` what a place in the file is,
 * `canGoOn` whether what is left can be loaded.
 */
export function showOutcome({ place, tally, failure, isDryRun, rejects, desk, placeName, canGoOn }) {
  if (shownFile) URL.revokeObjectURL(shownFile);
  shownFile = null;
  const parts = [make("p", {}, make("strong", {}, summarize(tally, isDryRun)))];
  if (failure) parts.unshift(make("p", { class: "error" }, failure));
  if (canGoOn) parts.push(make("p", {}, make("a", { href: "#interrupted" }, "Go on with the rest")));
  if (tally.rejected) parts.push(showReasons(tally, placeName), linkTo(rejects, desk));
  place.replaceChildren(...parts);
  place.focus();
}

export function summarize({ received, inserted, updated, ignored, rejected }, isDryRun) {
  const counts = [`${number(inserted)} ${isDryRun ? "would be inserted" : "inserted"}`];
  if (updated) counts.push(`${number(updated)} ${isDryRun ? "would be updated" : "updated"}`);
  if (ignored) counts.push(`${number(ignored)} ignored`);
  counts.push(`${number(rejected)} rejected`);
  return `${number(received)} rows ${isDryRun ? "checked" : "received"}: ${counts.join(", ")}.`;
}

function showReasons(tally, placeName) {
  const rows = tally.reasons.map(({ code, column, rows, places, message }) => [
    make("code", {}, code),
    column,
    number(rows),
    places.join(", ") + (rows > places.length ? " …" : ""),
    message,
  ]);
  const titles = ["Reason", "Column", "Rows", `First ${placeName}s`, "Such as"];
  return makeTable("Reasons of rejections", titles, rows);
}

function linkTo(rejects, desk) {
  const { blob, name } = rejects.file;
  shownFile = URL.createObjectURL(blob);
  const links = [make("a", { href: shownFile, download: name }, "Download the rejected rows")];
  if (desk) links.push(make("a", { href: desk }, "Fix them at the desk"));
  return make("p", { class: "downloads" }, ...links);
}
