// The pages of tables: moments as ages, buttons that copy a text.
import { showAges } from "./ages.js";

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(source.textContent);
    said.textContent = "Copied.";
  } catch {
    // Browsers lend the clipboard to secure addresses only.
    getSelection().selectAllChildren(source);
    said.textContent = "Selected: copy it with the keyboard.";
  }
}

for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", () => copy(button));
}
showAges(document);
