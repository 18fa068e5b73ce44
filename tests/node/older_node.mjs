/**
 * What the packages here expect of Node 22 and Debian's Node 18 and 20 do not have yet.
 *
 * Import this first and the packages after it, with `await import(…)`. Where nothing is missing it
 * does nothing.
 */
import * as builtin from 'node:crypto';
import { register } from 'node:module';

globalThis.crypto ??= builtin.webcrypto;
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};

// Names cannot be added to a built-in module, so importers of `node:crypto` get one that has `hash`.
if (!('hash' in builtin)) {
  const shim = `data:text/javascript,${encodeURIComponent(`
    export * from 'node:crypto';
    export { default } from 'node:crypto';
    import { createHash } from 'node:crypto';
    export const hash = (name, data, form = 'hex') => createHash(name).update(data).digest(form);
  `)}`;
  const hooks = `
    export const resolve = (specifier, context, next) =>
      specifier === 'node:crypto' && context.parentURL?.startsWith('file:')
        ? { url: ${JSON.stringify(shim)}, shortCircuit: true }
        : next(specifier, context);
  `;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
