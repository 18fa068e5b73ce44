// What the forms share that ask a passkey: base64url, and sending the form once it is filled in.
"use strict";
const passkey = {
  bytes: (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0)),
  text: (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, ""),
  // `fill` asks the device and puts its answer into the fields
  onSubmit: (form, fill) => {
    const problem = document.getElementById("passkey-problem");
    let asking = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      // the form is sent below, once it is filled in; not counted as sent until then
      event.stopPropagation();
      if (asking) return;
      asking = true;
      problem.hidden = true;
      try {
        await fill(form);
        form.submit();
      } catch {
        problem.hidden = false;
      } finally {
        asking = false;
      }
    });
  },
};
