/**
 * What the peer remembers, in one map. The package's own adapter forgets all but the last 1,000
 * entries: fewer than the codes of one measurement, and a code that was forgotten cannot be noticed
 * when it comes back.
 */
const entries = new Map();
const grants = new Map(); // grant id -> keys of what was issued under it
const uids = new Map(); // uid of a session -> its id

const GRANTABLE = new Set([
  'AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest',
]);

export class MapAdapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    if (this.model === 'Session') uids.set(payload.uid, id);
    if (GRANTABLE.has(this.model) && payload.grantId) {
      if (!grants.has(payload.grantId)) grants.set(payload.grantId, new Set());
      grants.get(payload.grantId).add(key);
    }
    const until = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    entries.set(key, { payload, until });
  }

  async find(id) {
    const entry = entries.get(this.key(id));
    return entry && entry.until > Date.now() ? entry.payload : undefined;
  }

  async findByUid(uid) {
    return this.find(uids.get(uid));
  }

  async consume(id) {
    entries.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    entries.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const key of grants.get(grantId) ?? []) entries.delete(key);
    grants.delete(grantId);
  }
}
