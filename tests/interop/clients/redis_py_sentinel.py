"""Writes with redis-py, which asks sentinels for the primary, until another primary has taken enough of the writes.

Says `ready` once the first has, and in the end which keys two servers had. Arguments: the group's name, the sentinels'
ports.
"""

import json
import sys
import time

import redis
from redis.sentinel import Sentinel

name, *ports = sys.argv[1:]
ENOUGH = 100

sentinel = Sentinel([("127.0.0.1", int(port)) for port in ports], socket_timeout=2)
client = sentinel.master_for(name, socket_timeout=5, decode_responses=True)

safe = []
written = {}
failed = 0
ready = False
number = 0


def write():
    """Makes one write, and returns the port of whoever took it."""
    key = f"redis-py:{number}"
    client.set(key, number)
    if client.wait(1, 1000) > 0:
        safe.append(key)
    return client.info("server")["tcp_port"]


while len(written) < 2 or min(written.values()) < ENOUGH:
    try:
        port = write()
        written[port] = written.get(port, 0) + 1
        if not ready and written[port] == ENOUGH:
            ready = True
            print("ready", flush=True)
    except redis.RedisError:
        failed += 1
        time.sleep(0.02)
    number += 1
print(json.dumps({"safe": safe, "failed": failed, "last": str(list(written)[-1])}))
