// A place where files can be dropped.

/** Call `take` with the file that is dropped on the element. */
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
