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

import os
from collections import deque
from datetime import datetime, timedelta
from hashlib import sha1  # noqa: TID251 - how Redis names a script, not a protection
from queue import Empty, SimpleQueue
from typing import Any, Final, cast

from redis import BlockingConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from idp.errors import StorageUnavailable
from keystore.clock import to_ms

_CONNECT_TIMEOUT_S: Final = 1.0
_OPERATION_TIMEOUT_S: Final = 2.0
_DIGITS: Final = 15
_TTL_MARGIN_MS: Final = 60_000
_OLDEST_SERVER: Final = (6, 2)

_Word = str | bytes | int


class _Script:
    """A script and the name by which the server knows it once it has seen it."""

    __slots__ = ("name", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.name = sha1(text.encode(), usedforsecurity=False).hexdigest()


_FIRST_USE: Final = _Script("""
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.sub(held, 1, 15)) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
""")
_COUNT: Final = _Script("""
local held = redis.call('GET', KEYS[1])
local total = tonumber(ARGV[4])
if held and tonumber(string.sub(held, 1, 15)) > tonumber(ARGV[1]) then
  total = total + tonumber(string.sub(held, 16))
  redis.call('SET', KEYS[1], string.sub(held, 1, 15) .. string.format('%d', total), 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2] .. string.format('%d', total), 'PX', ARGV[3])
end
return total
""")
_REPLACE: Final = _Script("""
local held = redis.call('GET', KEYS[1])
if not held or tonumber(string.sub(held, 1, 15)) <= tonumber(ARGV[1]) then return 0 end
if string.sub(held, 16) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
""")


class RedisEphemeralStore:
    """`EphemeralStore` on one Redis server (or a primary that failover moves behind one address).

    Takes   url: `redis://…`, `rediss://…` or `unix://…`; prefix: put before every key, so that
            two services may share a server; pool_size: connections at most.
    """

    def __init__(self, url: str, *, prefix: str = "antin:", pool_size: int = 32) -> None:
        self._pool = open_pool(url, size=pool_size)
        self._lines = _Lines(self._pool, size=pool_size)
        self._prefix = prefix

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
                _FIRST_USE,
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
        return int(self._script(_COUNT, key, to_ms(now), _stamp(now + window), _ttl_ms(window), by))

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
        return bool(self._script(_REPLACE, key, to_ms(now), expected, entry, _ttl_ms(lifetime)))

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
        try:
            with Redis(connection_pool=self._pool) as server:
                facts = cast("dict[str, Any]", server.info())
        except (RedisError, OSError) as failure:
            raise StorageUnavailable from failure
        found = []
        version = str(facts.get("redis_version", "0.0")).split(".")
        if (int(version[0]), int(version[1])) < _OLDEST_SERVER:
            found.append("redis_too_old")
        if facts.get("maxmemory_policy", "noeviction") != "noeviction":
            found.append("redis_evicts")
        return tuple(found)

    def close(self) -> None:
        """See `EphemeralStore.close`."""
        self._pool.disconnect()

    def _command(self, *words: _Word) -> Any:
        try:
            return self._lines.ask(words)
        except (RedisError, OSError, Empty) as failure:
            raise StorageUnavailable from failure

    def _script(self, script: _Script, key: str, *arguments: _Word) -> int:
        rest = (1, self._prefix + key, *arguments)
        try:
            try:
                return int(self._lines.ask(("EVALSHA", script.name, *rest)))
            except NoScriptError:
                # nothing has run: a server that was restarted has to be told the script again
                return int(self._lines.ask(("EVAL", script.text, *rest)))
        except (RedisError, OSError, Empty) as failure:
            raise StorageUnavailable from failure


class _Lines:
    """Connections to one server, the one that was used last first.

    The client library takes a connection from its pool, and puts it back, with bookkeeping that
    costs more than the command; here both are one step on a deque, which threads may share.

    Takes   pool: makes connections and closes them; size: how many threads may ask at once.
    """

    def __init__(self, pool: BlockingConnectionPool, *, size: int) -> None:
        self._pool: Any = pool  # half of the library's connections have no types
        self._free: deque[Any] = deque()
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._permits.put(None)

    def ask(self, words: tuple[_Word, ...]) -> Any:
        """Send one command, once, and return the server's answer.

        Raises  RedisError, OSError; queue.Empty when no connection is free for two seconds.
        """
        self._permits.get(timeout=_OPERATION_TIMEOUT_S)
        try:
            line = self._take()
            try:
                line.send_packed_command((_pack(words),), check_health=False)
                # closes the connection on whatever keeps it from reading the answer to its end
                answer = line.read_response()
            finally:
                self._free.append(line)
        finally:
            self._permits.put(None)
        return answer

    def _take(self) -> Any:
        """A connection on which nothing stands before the next answer."""
        try:
            line = self._free.pop()
        except IndexError:
            return self._pool.make_connection()
        if line.pid != os.getpid():  # a fork must not talk on its parent's
            return self._pool.make_connection()
        try:
            # the end of it, where the server was restarted: the command connects anew
            is_spoilt = line.is_connected and line.can_read()
        except (RedisError, OSError):
            is_spoilt = True
        if is_spoilt:
            line.disconnect()
        return line


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


def _pack(words: tuple[_Word, ...]) -> bytes:
    """A command as the server reads it.  Source: Redis serialization protocol, "bulk strings"."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def _stamp(instant: datetime) -> bytes:
    return b"%0*d" % (_DIGITS, to_ms(instant))


def _ttl_ms(lifetime: timedelta) -> int:
    return max(0, lifetime // timedelta(milliseconds=1)) + _TTL_MARGIN_MS


def _unexpired(entry: bytes | None, *, now: datetime) -> bytes | None:
    if entry is None or int(entry[:_DIGITS]) <= to_ms(now):
        return None
    return entry[_DIGITS:]
