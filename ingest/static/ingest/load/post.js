// The request that sends a batch.

import { request } from "../../site/api.js";

const ANSWER_WITHIN_MS = 90_000;

/**
 * Return what sends the batches of the load with this id: `post(body, mediaType, number)`. A batch
 * that is sent again has the same Idempotency-Key, and is stored once.
 */
export function makePost(table, { id, onConflict, isDryRun }) {
  const query = new URLSearchParams({ on_conflict: onConflict, dry_run: String(isDryRun) });
  const address = `/api/ingest/${encodeURIComponent(table)}?${query}`;
  return (body, mediaType, number) =>
    request(address, {
      method: "POST",
      body,
      headers: { "Content-Type": mediaType, "Idempotency-Key": `page-${id}-${number}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
}
