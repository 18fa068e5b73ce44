"""The signing journey over HTTP: the API that portals call, and the pages that signers see."""
