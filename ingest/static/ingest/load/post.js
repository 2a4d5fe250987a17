// The request that sends a batch.

import { request } from "../../site/api.js";

const ANSWER_WITHIN_MS = 90_000;

/**
 * Return what sends the batches of one load: `post(body, mediaType, number)`. A batch that is sent
 * again has the same Idempotency-Key, and is stored once.
 */
export function makePost(table, { onConflict, isDryRun }) {
  // randomUUID is there over HTTPS only.
  const load = [...crypto.getRandomValues(new Uint32Array(4))].map((one) => one.toString(36));
  const query = new URLSearchParams({ on_conflict: onConflict, dry_run: String(isDryRun) });
  const address = `/api/ingest/${encodeURIComponent(table)}?${query}`;
  return (body, mediaType, number) =>
    request(address, {
      method: "POST",
      body,
      headers: { "Content-Type": mediaType, "Idempotency-Key": `page-${load.join("")}-${number}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
}
