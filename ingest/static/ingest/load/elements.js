// The page's elements: found by id, made with texts that are never markup, numbers for people.

/** Return the element with this id. */
export function find(id) {
  return document.getElementById(id);
}

/** Return an element with these attributes (false: without it) and children (elements, texts). */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Return a table; on a phone its cells stand under each other, each with its column's title. */
export function makeTable(label, titles, rows) {
  const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
  const lines = rows.map((row) =>
    make("tr", {}, ...row.map((cell, at) => make("td", { "data-title": titles[at] }, cell))),
  );
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": label };
  return make("div", region, table);
}

/** Return a number with separators of thousands. */
export function formatNumber(value) {
  return value.toLocaleString("en");
}
