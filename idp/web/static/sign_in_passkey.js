// Asks a passkey on a sign-in page: by its button, or by the list under the field of the number.
// Without this file, and where the browser knows no passkeys, the page is as it would be otherwise.
"use strict";
{
  const form = document.getElementById("passkey-form");
  const options = () => {
    const given = JSON.parse(form.dataset.options);
    given.challenge = passkey.bytes(given.challenge);
    for (const one of given.allowCredentials) one.id = passkey.bytes(one.id);
    return given;
  };
  const put = ({ rawId, response }) => {
    form.elements.credential.value = JSON.stringify({
      rawId: passkey.text(rawId),
      response: {
        clientDataJSON: passkey.text(response.clientDataJSON),
        authenticatorData: passkey.text(response.authenticatorData),
        signature: passkey.text(response.signature),
        userHandle: response.userHandle ? passkey.text(response.userHandle) : null,
      },
    });
  };
  // The list waits as long as the page is open; a device serves one question at a time.
  let waiting = null;
  const offer = async () => {
    waiting = new AbortController();
    const { signal } = waiting;
    try {
      put(await navigator.credentials.get({ publicKey: options(), mediation: "conditional", signal }));
      if (!signal.aborted) form.submit();
    } catch {
      // nobody chose anything: the page is as it was
    }
  };
  const canOffer = async () =>
    "autofill" in form.dataset &&
    PublicKeyCredential.isConditionalMediationAvailable &&
    (await PublicKeyCredential.isConditionalMediationAvailable());
  const offerAgain = () => canOffer().then((can) => can && offer());
  if (window.PublicKeyCredential) {
    form.hidden = false;
    passkey.onSubmit(form, async () => {
      if (waiting) waiting.abort();
      try {
        put(await navigator.credentials.get({ publicKey: options() }));
      } catch (refused) {
        offerAgain();
        throw refused;
      }
    });
    offerAgain();
  }
}
