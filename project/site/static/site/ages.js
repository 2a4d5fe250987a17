// Moments as ages: "4 minutes ago", "in 2 hours"; the moment itself is what a pointer shows.

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });

function describe(seconds) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS.at(-1);
  return words.format(Math.trunc(seconds / size), unit);
}

// Writes the age of every <time> inside.
export function showAges(inside) {
  const now = Date.now();
  for (const time of inside.querySelectorAll("time")) {
    if (!time.title) time.title = time.textContent;
    const age = describe((Date.parse(time.dateTime) - now) / 1000);
    if (time.textContent !== age) time.textContent = age;
  }
}
