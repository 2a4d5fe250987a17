// Calls of the JSON API from a page: its session signs them in, its token shows where they come from.

export class Refusal extends Error {
  // A problem document (RFC 9457); `code` is stable.
  constructor(problem, status) {
    super(problem.detail || `The service answered ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.problem = problem;
  }
}

// Returns the answer of `fetch`, whatever its status; sends the session and the page's token.
export function request(address, options = {}) {
  const token = document.querySelector('meta[name="csrf-token"]');
  const headers = new Headers(options.headers);
  if (token) headers.set("X-CSRFToken", token.content);
  return fetch(address, { credentials: "same-origin", ...options, headers });
}

// Returns the JSON of an answer; throws `Refusal`. `accepted`: further statuses whose body is wanted,
// such as the 422 of a batch that was rejected.
export async function call(address, { accepted = [], ...options } = {}) {
  const response = await request(address, options);
  if (response.status === 401) {
    // The session has ended, or its key was revoked.
    location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const text = await response.text();
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  const body = isJson ? JSON.parse(text) : {};
  const isReceipt = accepted.includes(response.status) && !("code" in body);
  if (!response.ok && !isReceipt) throw new Refusal(body, response.status);
  return body;
}

// Sends a value as JSON.
export function send(address, value, { method = "POST", headers = {}, ...options } = {}) {
  const type = value === undefined ? {} : { "Content-Type": "application/json" };
  const body = value === undefined ? undefined : JSON.stringify(value);
  return call(address, { method, body, headers: { ...type, ...headers }, ...options });
}
