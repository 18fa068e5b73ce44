// Has the device make a passkey, and sends what it says about it with the form.
"use strict";
passkey.onSubmit(document.getElementById("passkey-form"), async (form) => {
  const publicKey = JSON.parse(form.dataset.options);
  publicKey.challenge = passkey.bytes(publicKey.challenge);
  publicKey.user.id = passkey.bytes(publicKey.user.id);
  for (const known of publicKey.excludeCredentials) known.id = passkey.bytes(known.id);
  const { response } = await navigator.credentials.create({ publicKey });
  form.elements.credential.value = JSON.stringify({
    response: {
      clientDataJSON: passkey.text(response.clientDataJSON),
      attestationObject: passkey.text(response.attestationObject),
      transports: response.getTransports ? response.getTransports() : [],
    },
  });
});
