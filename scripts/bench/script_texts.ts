/** The scripts that `bench scripts` runs: two that call commands, and some that reckon for long. */

export interface QuickScript {
  readonly name: string;
  readonly text: string;
  /** Its keys and arguments, as redis-benchmark takes them; KEY is one of 100,000. */
  readonly args: readonly string[];
  /** Whether it leaves more than it finds, so that each run starts with nothing. */
  readonly startsEmpty: boolean;
}

export interface HeavyScript {
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
}

/** Of a key so many are let through until its time is over. Of a run's requests six in ten are the first of their key. */
const RATE_LIMITER = `
local key = KEYS[1]
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
local cost = tonumber(ARGV[3]) or 1
local used = tonumber(redis.call('GET', key) or '0')
if used + cost > limit then
  local left = redis.call('TTL', key)
  if left < 0 then
    redis.call('EXPIRE', key, window)
    left = window
  end
  return {0, limit - used, left}
end
local now
if cost == 1 then
  now = redis.call('INCR', key)
else
  now = redis.call('INCRBY', key, cost)
end
if now == cost then redis.call('EXPIRE', key, window) end
return {1, limit - now, window}
`;

export const QUICK: readonly QuickScript[] = [
  { name: "GET", text: "return redis.call('GET', KEYS[1])", args: ["1", "KEY"], startsEmpty: false },
  { name: "rate limiter", text: RATE_LIMITER, args: ["1", "KEY", "2", "60"], startsEmpty: true },
];

/** A document of 10 KB in ASCII, of what documents have in them. */
function document(): string {
  const items = Array.from({ length: 66 }, (_, i) => ({
    id: i,
    name: `item number ${i}`,
    price: i * 1.25,
    isNew: i % 2 === 0,
    tags: ["red", "grün", "\t"],
    sizes: { width: i, height: null },
    note: "x".repeat(i % 40),
  }));
  return JSON.stringify({ items }).replaceAll("ü", "\\u00fc");
}

const DOCUMENT = document();

export const HEAVY: readonly HeavyScript[] = [
  {
    name: "fib(25)",
    text: "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(25)",
    args: ["0"],
  },
  {
    name: "1,000,000 additions",
    text: "local sum = 0 for i = 1, 1000000 do sum = sum + i end return sum",
    args: ["0"],
  },
  {
    name: "100,000 concatenations, table.concat",
    text: "local t = {} for i = 1, 100000 do t[i] = 'item:' .. i end return #table.concat(t, ',')",
    args: ["0"],
  },
  {
    name: "100 times cjson.decode of 10 KB",
    text: "local last for i = 1, 100 do last = cjson.decode(ARGV[1]) end return #last.items",
    args: ["0", DOCUMENT],
  },
  {
    name: "100 times cjson.encode of 10 KB",
    text:
      "local value, size = cjson.decode(ARGV[1]), 0 for i = 1, 100 do size = size + #cjson.encode(value) end return size",
    args: ["0", DOCUMENT],
  },
  {
    name: "10,000 string.gsub",
    text: `local count = 0
      for i = 1, 10000 do
        local text, found = string.gsub('user:' .. i .. ' visits page /items/' .. i, '%d+', '<%0>')
        count = count + found
      end
      return count`,
    args: ["0"],
  },
];
