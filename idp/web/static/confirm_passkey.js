// Asks the one passkey that opens the chosen key, and sends its answer with the form.
"use strict";
passkey.onSubmit(document.getElementById("sign-form"), async (form) => {
  const given = await navigator.credentials.get({
    publicKey: {
      challenge: passkey.bytes(form.dataset.challenge),
      rpId: form.dataset.rpId,
      allowCredentials: [{ type: "public-key", id: passkey.bytes(form.dataset.credentialId) }],
      userVerification: "required",
    },
  });
  form.elements.credential_id.value = passkey.text(given.rawId);
  form.elements.client_data_json.value = passkey.text(given.response.clientDataJSON);
  form.elements.authenticator_data.value = passkey.text(given.response.authenticatorData);
  form.elements.signature.value = passkey.text(given.response.signature);
});
