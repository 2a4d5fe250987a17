// What Swagger UI leaves to be desired: the reader's dark mode, names of fields, a way for the keyboard.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const showScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", showScheme);
showScheme();

function nameOf(field) {
  const parameter = field.closest("tr[data-param-name]");
  if (parameter) return parameter.dataset.paramName;
  if (field.id === "servers") return "Server";
  if (field.matches("textarea")) return "Body";
  return field.closest(".examples-select") ? "Example" : "Media type";
}

function mend() {
  const each = (selector, change) => document.querySelectorAll(`#swagger-ui ${selector}`).forEach(change);
  each(":is(select, textarea):not([aria-label])", (one) => one.setAttribute("aria-label", nameOf(one)));
  each("button.close-modal:not([aria-label])", (one) => one.setAttribute("aria-label", "Close"));
  // It reads otherwise than what stands on it.
  each("button.modal-btn[aria-label]", (one) => one.removeAttribute("aria-label"));
  // A link inside a button, which does the same.
  each("button a[href]", (one) => one.removeAttribute("href"));
  each("pre.microlight:not([tabindex])", (one) => (one.tabIndex = 0));
}

document.addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("swagger-ui");
  let waits = false;
  const mendOnce = () => {
    waits = false;
    mend();
  };
  // Once a frame, however many changes there are in it.
  new MutationObserver(() => {
    if (!waits) requestAnimationFrame(mendOnce);
    waits = true;
  }).observe(page, { childList: true, subtree: true });
});
