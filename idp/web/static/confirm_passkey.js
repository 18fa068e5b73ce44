// Asks the one passkey that opens the chosen key, and sends its answer with the form.
"use strict";
const form = document.getElementById("sign-form");
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
    const given = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(form.dataset.challenge),
        rpId: form.dataset.rpId,
        allowCredentials: [{ type: "public-key", id: bytes(form.dataset.credentialId) }],
        userVerification: "required",
      },
    });
    form.elements.credential_id.value = text(given.rawId);
    form.elements.client_data_json.value = text(given.response.clientDataJSON);
    form.elements.authenticator_data.value = text(given.response.authenticatorData);
    form.elements.signature.value = text(given.response.signature);
    form.submit();
  } catch {
    problem.hidden = false;
  } finally {
    asking = false;
  }
});
