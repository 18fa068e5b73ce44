// Has the device make a passkey, and sends what it says about it with the form.
"use strict";
const form = document.getElementById("passkey-form");
const problem = document.getElementById("passkey-problem");
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

let asking = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  // the form is sent below, once it is filled in; not counted as sent until then
  event.stopPropagation();
  if (asking) return;
  asking = true;
  problem.hidden = true;
  try {
    const publicKey = JSON.parse(form.dataset.options);
    publicKey.challenge = bytes(publicKey.challenge);
    publicKey.user.id = bytes(publicKey.user.id);
    for (const known of publicKey.excludeCredentials) known.id = bytes(known.id);
    const { response } = await navigator.credentials.create({ publicKey });
    form.elements.credential.value = JSON.stringify({
      response: {
        clientDataJSON: text(response.clientDataJSON),
        attestationObject: text(response.attestationObject),
        transports: response.getTransports ? response.getTransports() : [],
      },
    });
    form.submit();
  } catch {
    problem.hidden = false;
  } finally {
    asking = false;
  }
});
