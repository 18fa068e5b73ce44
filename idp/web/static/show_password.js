// Adds "show password" where scripts run; without this file the field works as it is.
"use strict";
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const set = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
  };
  button.hidden = false;
  button.addEventListener("click", () => set(field.type === "password"));
  // A shown password would be offered again by the browser as ordinary form data.
  field.form.addEventListener("submit", () => set(false));
}
