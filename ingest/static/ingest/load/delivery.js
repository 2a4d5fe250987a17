// One batch sent until the service has an answer for it.

import { RETRY_FOR_MS, isPassing, waitMs } from "./retries.js";

/** The service refuses the batch as a whole; nothing of it is stored. */
export class Refused extends Error {}

/** Nothing could be learnt about the batch; it may or may not be stored. */
export class Unanswered extends Error {}

/**
 * Return the receipt of a batch. `send()` makes the request, the same one each time; `gate` is
 * passed before each try; `onWait(reason)` is told why it is tried again, `onWait(null)` when not.
 */
export async function deliver(send, { gate, onWait, now = () => Date.now(), sleep = pauseFor }) {
  const end = now() + RETRY_FOR_MS;
  for (let tries = 1; ; tries += 1) {
    await gate.pass();
    const { receipt, reason, retryAfter } = await attempt(send);
    if (receipt) {
      onWait(null);
      return receipt;
    }
    const wait = waitMs(tries, retryAfter);
    if (now() + wait > end) throw new Unanswered(reason);
    onWait(reason);
    await sleep(wait);
  }
}

async function attempt(send) {
  let answer;
  let body;
  try {
    answer = await send();
    body = await answer.json();
  } catch {
    const status = answer ? ` (it answered ${answer.status})` : "";
    return { reason: `The service cannot be reached${status}.` };
  }
  if (body && typeof body === "object" && "received" in body) return { receipt: body };
  const reason = body?.detail ?? `The service answered ${answer.status}.`;
  if (!isPassing(answer.status, body?.code)) throw new Refused(reason);
  return { reason, retryAfter: answer.headers.get("Retry-After") };
}

function pauseFor(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
