// Verifies many XML signatures in one start, with xadesjs.
//
// Reads from stdin a JSON list of {name, file, signature_id, beside: {uri: file}} and writes a list
// of {name, valid, fault, properties} in the same order.  Beyond what xadesjs does, it looks whether
// the signing certificate is the one whose digest is among the signed properties, and whether those
// are referenced.  Not here: whether certificates are trusted, and timestamps.

import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as xmldom from '@xmldom/xmldom';
import * as xadesjs from 'xadesjs';
import xpath from 'xpath';

const DS = 'http://www.w3.org/2000/09/xmldsig#';
const XADES = 'http://uri.etsi.org/01903/v1.3.2#';
const PROPERTIES = 'http://uri.etsi.org/01903#SignedProperties';
const HASHES = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};

xadesjs.setNodeDependencies({
  DOMParser: xmldom.DOMParser,
  DOMImplementation: xmldom.DOMImplementation,
  XMLSerializer: xmldom.XMLSerializer,
  xpath,
});
xadesjs.Application.setEngine('node', webcrypto);

function decode(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder('utf-8').decode(bytes);
}

function text(node, namespace, name) {
  const found = node.getElementsByTagNameNS(namespace, name);
  return Array.from(found, (one) => one.textContent.replace(/\s/g, ''));
}

function checkProperties(element) {
  const certificate = Buffer.from(text(element, DS, 'X509Certificate')[0], 'base64');
  const [named] = Array.from(element.getElementsByTagNameNS(XADES, 'SigningCertificateV2'));
  const [method] = Array.from(named.getElementsByTagNameNS(DS, 'DigestMethod'));
  const hash = HASHES[method.getAttribute('Algorithm')];
  const digest = createHash(hash).update(certificate).digest('base64');
  if (text(named, DS, 'DigestValue')[0] !== digest) throw new Error('signing certificate');
  const [signed] = Array.from(element.getElementsByTagNameNS(XADES, 'SignedProperties'));
  const references = Array.from(element.getElementsByTagNameNS(DS, 'Reference'));
  const toProperties = references.filter((one) => one.getAttribute('Type') === PROPERTIES);
  if (toProperties.length !== 1) throw new Error('reference to the signed properties');
  if (toProperties[0].getAttribute('URI') !== '#' + signed.getAttribute('Id')) {
    throw new Error('other properties are referenced');
  }
  const [qualifying] = Array.from(element.getElementsByTagNameNS(XADES, 'QualifyingProperties'));
  if (qualifying.getAttribute('Target') !== '#' + element.getAttribute('Id')) {
    throw new Error('properties of another signature');
  }
  const subject = new X509Certificate(certificate).subject;
  return {
    subject,
    signing_time: text(element, XADES, 'SigningTime')[0],
    role: Array.from(element.getElementsByTagNameNS(XADES, 'ClaimedRole'), (one) => one.textContent),
    mime_types: text(element, XADES, 'MimeType'),
    timestamps: text(element, XADES, 'EncapsulatedTimeStamp').length,
    certificates: text(element, XADES, 'EncapsulatedX509Certificate').length,
    answers: text(element, XADES, 'EncapsulatedOCSPValue').length,
    lists: text(element, XADES, 'EncapsulatedCRLValue').length,
  };
}

async function verify({ file, signature_id: id, beside }) {
  const document = xadesjs.Parse(decode(readFileSync(file)));
  const all = Array.from(document.getElementsByTagNameNS(DS, 'Signature'));
  const chosen = id ? all.filter((one) => one.getAttribute('Id') === id) : all;
  if (chosen.length !== 1) throw new Error(`${chosen.length} signatures`);
  const signed = new xadesjs.SignedXml(document);
  signed.LoadXml(chosen[0]);
  signed.contentHandler = async (reference) => {
    const found = beside?.[reference.Uri];
    return found ? new Uint8Array(readFileSync(found)) : null;
  };
  const valid = await signed.Verify();
  return { valid, properties: checkProperties(chosen[0]) };
}

const answers = [];
for (const asked of JSON.parse(readFileSync(0, 'utf-8'))) {
  try {
    answers.push({ name: asked.name, fault: '', ...(await verify(asked)) });
  } catch (fault) {
    answers.push({ name: asked.name, valid: false, fault: String(fault), properties: {} });
  }
}
process.stdout.write(JSON.stringify(answers));
