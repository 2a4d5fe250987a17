// What the service would show at this address now, put in place of what is shown.

/** Show how many match now; with `withRows` also the rows themselves, as after a change to many. */
export async function showCurrent({ withRows }) {
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of withRows ? ["matching", "rejections"] : ["matching"]) {
    const found = fresh.getElementById(id);
    if (found) document.getElementById(id).replaceWith(document.adoptNode(found));
  }
}
