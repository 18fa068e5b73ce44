// A button that is pressed twice sends once; without this file the second answer repeats the first.
"use strict";
const again_ms = 8000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // A connection that hangs must not leave somebody with a button that does nothing.
  setTimeout(() => delete form.dataset.sent, again_ms);
});
// Whoever comes back by the browser's button finds the page as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
