// When a request is sent again, and after how long.

const PASSING = new Set([408, 429, 502, 503, 504]);
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;

/** How long one batch is tried. */
export const RETRY_FOR_MS = 300_000;

/** Return whether the same request may be answered otherwise later. */
export function isPassing(status, code) {
  // The first try, whose answer was lost, may still be running.
  return PASSING.has(status) || code === "idempotency_key_in_use";
}

/** Return the wait after so many tries: doubled each time, no less than the service asks for. */
export function waitMs(tries, retryAfter) {
  const asked = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : 0;
  const doubled = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 30));
  return Math.max(asked, doubled);
}
