// How a file is chosen: from a list, or by dropping it.

/** Call `take` with the file that is picked in the input. */
export function takePicks(input, take) {
  let before = [];
  // Without a value the same file is a change as well: it may have been written anew.
  input.addEventListener("click", () => {
    before = [...input.files];
    input.value = "";
  });
  input.addEventListener("cancel", () => {
    const kept = new DataTransfer();
    for (const file of before) kept.items.add(file);
    input.files = kept.files;
  });
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
  });
}

/** Call `take` with the file that is dropped on the element around the input. */
export function takeDrops(element, take) {
  const show = (isOver) => element.classList.toggle("over", isOver);
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    show(true);
  });
  element.addEventListener("dragleave", () => show(false));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    const input = element.querySelector("input");
    if (!event.dataTransfer.files.length || input.matches(":disabled")) return;
    input.files = event.dataTransfer.files; // shows its name
    take(input.files[0]);
  });
}
