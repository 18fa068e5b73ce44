// Tells the device which passkeys of the account still count, so that it stops offering the others.
// Browsers that cannot be told are left alone.
"use strict";
{
  const said = document.getElementById("passkeys").dataset.accepted;
  if (window.PublicKeyCredential && PublicKeyCredential.signalAllAcceptedCredentials) {
    PublicKeyCredential.signalAllAcceptedCredentials(JSON.parse(said)).catch(() => {});
  }
}
