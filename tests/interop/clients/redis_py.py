"""A tour of all families of commands with redis-py, by its own methods. Argument: the server's port."""

import sys
import threading

import redis

port = int(sys.argv[1])
client = redis.Redis(port=port, decode_responses=True)
other = redis.Redis(port=port, decode_responses=True)


def waiting(call):
    """Starts a call that waits; returns what waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    while client.info("clients")["blocked_clients"] == 0:
        pass

    def result():
        thread.join()
        return results[0]

    return result


def same(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


# Strings, bitmaps, HyperLogLogs
same(client.set("s", 1, ex=100, nx=True), True)
same(client.incrby("s", 41), 42)
same(client.incrbyfloat("s", 0.5), 42.5)
same(client.mget("s", "none"), ["42.5", None])
same(client.setbit("bits", 7, 1), 0)
same(client.bitcount("bits"), 1)
same(client.bitfield("bits").set("u8", 0, 255).get("u4", 0).execute(), [1, 15])
same(client.pfadd("hll", "a", "b", "c"), 1)
same(client.pfcount("hll"), 3)

# Hashes
same(client.hset("h", mapping={"name": "Ada", "born": 1815}), 2)
same(client.hgetall("h"), {"name": "Ada", "born": "1815"})
same(dict(client.hscan_iter("h")), {"name": "Ada", "born": "1815"})

# Lists, and waiting for them
same(client.rpush("l", "a", "b", "c", "a"), 4)
same(client.lrange("l", 0, -1), ["a", "b", "c", "a"])
same(client.lpos("l", "a", count=0), [0, 3])
same(client.lmove("l", "m", "LEFT", "RIGHT"), "a")
popped = waiting(lambda: other.blpop("queue", 0))
client.lpush("queue", "job")
same(popped(), ("queue", "job"))

# Sets
same(client.sadd("set", 3, 1, 2), 3)
same(client.sadd("other set", 2, 3, "x"), 3)
same(client.sinter("set", "other set"), {"2", "3"})
same(set(client.sscan_iter("set")), {"1", "2", "3"})
same(client.sort("set", desc=True), ["3", "2", "1"])

# Sorted sets
same(client.zadd("z", {"a": 1, "b": 2.5}), 2)
same(client.zrange("z", 0, -1, withscores=True), [("a", 1.0), ("b", 2.5)])
same(client.zincrby("z", 3, "a"), 4.0)
same(client.zpopmin("z"), [("b", 2.5)])
same(client.zunionstore("u", {"z": 2}), 1)
same(client.zscore("u", "a"), 8.0)
least = waiting(lambda: other.bzpopmin("waiting", 0))
client.zadd("waiting", {"m": 7})
same(least(), ("waiting", "m", 7.0))

# Places
same(client.geoadd("geo", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")), 2)
same(client.geodist("geo", "Palermo", "Catania", "km"), 166.2742)
same(client.geosearch("geo", longitude=15, latitude=37, radius=200, unit="km", sort="ASC"), ["Catania", "Palermo"])

# Streams and their groups
same(client.xadd("x", {"f": "v"}, id="1-1"), "1-1")
same(client.xgroup_create("x", "g", id="0"), True)
read = waiting(lambda: other.xread({"x": "$"}, block=0))
client.xadd("x", {"f": "w"}, id="2-1")
same(read(), [["x", [("2-1", {"f": "w"})]]])
same(client.xreadgroup("g", "one", {"x": ">"}, count=1), [["x", [("1-1", {"f": "v"})]]])
same(client.xpending("x", "g")["pending"], 1)
same(client.xinfo_groups("x")[0]["pending"], 1)
same(client.xautoclaim("x", "g", "two", 0)[1], [("1-1", {"f": "v"})])
same(client.xack("x", "g", "1-1"), 1)

# Pipelines with what is watched, messages, errors
with client.pipeline() as pipe:
    pipe.watch("s")
    pipe.multi()
    pipe.set("p", 1).incr("p")
    same(pipe.execute(), [True, 2])
listener = other.pubsub()
listener.subscribe("news")
assert listener.get_message(timeout=30)["type"] == "subscribe"
same(client.publish("news", "hello"), 1)
same(listener.get_message(timeout=30)["data"], "hello")
try:
    client.lpush("s", "x")
    raise AssertionError("a string took an element")
except redis.ResponseError as error:
    assert "WRONGTYPE" in str(error)

# Keys
same(client.copy("z", "z2"), True)
same(client.type("z2"), "zset")
binary = redis.Redis(port=port)
same(binary.restore("x2", 0, binary.dump("x")), b"OK")
same(client.xlen("x2"), 2)
same(sorted(client.scan_iter("z*")), ["z", "z2"])
same(client.unlink("z", "z2", "x", "x2"), 4)
print("done")
