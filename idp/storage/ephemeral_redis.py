"""The ephemeral store on Redis (6.2 or later).

What lives here: single commands, and short scripts where a decision needs the stored expiry.  An
entry is fifteen decimal digits, the instant of its expiry in epoch milliseconds, followed by the
value (or, for a count, the decimal total).  The instant decides; Redis' own TTL, a little longer,
only cleans up, so that a server clock that is off never decides.

No command is ever repeated by the client: after a lost answer nobody knows whether it ran, and
counting twice or consuming twice is worse than a refusal.  The server must not evict
(`maxmemory-policy noeviction`): an evicted mark is a code that works twice; `find_weaknesses`
says so.  Source: the contract in `idp.storage.ephemeral`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, cast

from redis import BlockingConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from idp.errors import StorageUnavailable
from keystore.clock import to_ms

_CONNECT_TIMEOUT_S: Final = 1.0
_OPERATION_TIMEOUT_S: Final = 2.0
_DIGITS: Final = 15
_TTL_MARGIN_MS: Final = 60_000
_OLDEST_SERVER: Final = (6, 2)

_FIRST_USE: Final = """
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.sub(held, 1, 15)) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_COUNT: Final = """
local held = redis.call('GET', KEYS[1])
local total = tonumber(ARGV[4])
if held and tonumber(string.sub(held, 1, 15)) > tonumber(ARGV[1]) then
  total = total + tonumber(string.sub(held, 16))
  redis.call('SET', KEYS[1], string.sub(held, 1, 15) .. string.format('%d', total), 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2] .. string.format('%d', total), 'PX', ARGV[3])
end
return total
"""
_REPLACE: Final = """
local held = redis.call('GET', KEYS[1])
if not held or tonumber(string.sub(held, 1, 15)) <= tonumber(ARGV[1]) then return 0 end
if string.sub(held, 16) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
"""


class RedisEphemeralStore:
    """`EphemeralStore` on one Redis server (or a primary that failover moves behind one address).

    Takes   url: `redis://…`, `rediss://…` or `unix://…`; prefix: put before every key, so that
            two services may share a server; pool_size: connections at most.
    """

    def __init__(self, url: str, *, prefix: str = "antin:", pool_size: int = 32) -> None:
        self._pool = open_pool(url, size=pool_size)
        self._redis = Redis(connection_pool=self._pool)
        self._execute: Callable[..., Any] = self._redis.execute_command
        self._prefix = prefix
        self._first_use = self._redis.register_script(_FIRST_USE)
        self._count = self._redis.register_script(_COUNT)
        self._replace = self._redis.register_script(_REPLACE)

    def put(self, key: str, value: bytes, *, lifetime: timedelta, now: datetime) -> None:
        """See `EphemeralStore.put`."""
        entry = _stamp(now + lifetime) + value
        self._command("SET", self._prefix + key, entry, "PX", _ttl_ms(lifetime))

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """See `EphemeralStore.get`."""
        return _unexpired(self._command("GET", self._prefix + key), now=now)

    def consume(self, key: str, *, now: datetime) -> bytes | None:
        """See `EphemeralStore.consume`."""
        return _unexpired(self._command("GETDEL", self._prefix + key), now=now)

    def first_use(self, key: str, *, lifetime: timedelta, now: datetime) -> bool:
        """See `EphemeralStore.first_use`."""
        return bool(
            self._script(
                self._first_use,
                key,
                to_ms(now),
                _stamp(now + lifetime),
                _ttl_ms(lifetime),
            )
        )

    def count(self, key: str, *, window: timedelta, now: datetime, by: int = 1) -> int:
        """See `EphemeralStore.count`."""
        if by == 0:
            held = self.get(key, now=now)
            return int(held) if held else 0
        return int(
            self._script(self._count, key, to_ms(now), _stamp(now + window), _ttl_ms(window), by)
        )

    def replace(
        self,
        key: str,
        expected: bytes,
        value: bytes,
        *,
        lifetime: timedelta,
        now: datetime,
    ) -> bool:
        """See `EphemeralStore.replace`."""
        entry = _stamp(now + lifetime) + value
        return bool(
            self._script(self._replace, key, to_ms(now), expected, entry, _ttl_ms(lifetime))
        )

    def delete(self, *keys: str) -> None:
        """See `EphemeralStore.delete`."""
        if keys:
            self._command("DEL", *(self._prefix + key for key in keys))

    def purge(self, *, now: datetime, limit: int) -> int:
        """Nothing to do: the TTL cleans up.  See `EphemeralStore.purge`."""
        del now, limit
        return 0

    def is_up(self) -> bool:
        """See `EphemeralStore.is_up`."""
        try:
            self._command("PING")
        except StorageUnavailable:
            return False
        return True

    def find_weaknesses(self) -> tuple[str, ...]:
        """What about the server's own configuration makes this store unsafe; empty when nothing.

        Returns codes: `redis_too_old` (GETDEL needs 6.2), `redis_evicts` (a full server would
        forget marks and counts instead of refusing).
        """
        facts = cast("dict[str, Any]", self._command("INFO"))
        found = []
        version = str(facts.get("redis_version", "0.0")).split(".")
        if (int(version[0]), int(version[1])) < _OLDEST_SERVER:
            found.append("redis_too_old")
        if facts.get("maxmemory_policy", "noeviction") != "noeviction":
            found.append("redis_evicts")
        return tuple(found)

    def close(self) -> None:
        """See `EphemeralStore.close`."""
        self._redis.close()
        self._pool.disconnect()

    def _command(self, *words: str | bytes | int) -> Any:
        try:
            return self._execute(*words)
        except (RedisError, OSError) as failure:
            raise StorageUnavailable from failure

    def _script(self, script: Script, key: str, *arguments: str | bytes | int) -> int:
        try:
            return int(cast("int", script(keys=[self._prefix + key], args=list(arguments))))
        except (RedisError, OSError) as failure:
            raise StorageUnavailable from failure


def open_pool(url: str, *, size: int = 32) -> BlockingConnectionPool:
    """Connections to the server at `url`: a second to connect, two to answer, nothing repeated."""
    return BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=_OPERATION_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_timeout=_OPERATION_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def _stamp(instant: datetime) -> bytes:
    return b"%0*d" % (_DIGITS, to_ms(instant))


def _ttl_ms(lifetime: timedelta) -> int:
    return max(0, lifetime // timedelta(milliseconds=1)) + _TTL_MARGIN_MS


def _unexpired(entry: bytes | None, *, now: datetime) -> bytes | None:
    if entry is None or int(entry[:_DIGITS]) <= to_ms(now):
        return None
    return entry[_DIGITS:]
