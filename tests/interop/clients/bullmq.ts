/**
 * Jobs of BullMQ, each of whose steps is a script: added, done, tried again, delayed, in the order of their priority, not
 * more than so many in a while, paused, taken over from a worker that stalled, removed. Argument: the server's port.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { DelayedError, type Job, Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";

const connection = new Redis({ port: Number(process.argv[2]), host: "127.0.0.1", maxRetriesPerRequest: null });
const options = { connection };
const closing: { close(): Promise<void> }[] = [];

/** Has it closed in the end. */
function open<T extends { close(): Promise<void>; waitUntilReady(): Promise<unknown> }>(one: T): T {
  closing.push(one);
  return one;
}

/** A queue, and what is told of it from its beginning. */
async function openQueue(name: string): Promise<[Queue, QueueEvents]> {
  const queue = open(new Queue(name, options));
  const events = open(new QueueEvents(name, { ...options, lastEventId: "0" }));
  await events.waitUntilReady();
  return [queue, events];
}

/** Waits until a condition holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The numbers of the jobs that a queue has, by state. */
const counts = (queue: Queue) =>
  queue.getJobCounts("waiting", "active", "completed", "failed", "delayed", "prioritized");
const NONE = { waiting: 0, active: 0, completed: 0, failed: 0, delayed: 0, prioritized: 0 };

// Added, one by one and many at once; the same ID once
const [sums, sumsEvents] = await openQueue("sums");
const told: string[] = [];
for (const event of ["added", "active", "completed", "drained"] as const) sumsEvents.on(event, () => told.push(event));
const jobs = [
  await sums.add("sum", { left: 1, right: 2 }),
  await sums.add("sum", { left: 3, right: 4 }, { jobId: "mine" }),
  ...await sums.addBulk(Array.from({ length: 30 }, (_, i) => ({ name: "sum", data: { left: i, right: 10 } }))),
];
await sums.add("sum", { left: 0, right: 0 }, { jobId: "mine" });
assert.deepEqual(await counts(sums), { ...NONE, waiting: 32 });
assert.deepEqual((await sums.getJob("mine"))?.data, { left: 3, right: 4 });
assert.deepEqual((await sums.getWaiting(0, 1)).map(({ id }) => id), [jobs[0].id, "mine"]);

// Done by several at once, with progress and a log
const adder = open(
  new Worker("sums", async (job: Job) => {
    await job.updateProgress(50);
    await job.log(`${job.data.left} + ${job.data.right}`);
    return job.data.left + job.data.right;
  }, { ...options, concurrency: 5 }),
);
const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(sumsEvents)));
assert.deepEqual(results, [3, 7, ...Array.from({ length: 30 }, (_, i) => i + 10)]);
assert.deepEqual(await counts(sums), { ...NONE, completed: 32 });
const done = await sums.getJob("mine");
assert.deepEqual([done?.returnvalue, done?.progress, await done?.getState()], [7, 50, "completed"]);
assert.deepEqual((await sums.getJobLogs("mine")).logs, ["3 + 4"]);
const timesTold = (event: string) => told.filter((of) => of === event).length;
await until(() => timesTold("completed") === 32 && timesTold("drained") > 0);
assert.deepEqual([timesTold("added"), timesTold("active")], [32, 32]);
assert.equal(await sums.getWorkersCount(), 1);

// Removed: one, those that are done, all
assert.equal(await sums.remove("mine"), 1);
assert.equal(await sums.getJob("mine"), undefined);
assert.equal((await sums.clean(0, 10, "completed")).length, 10);
assert.deepEqual(await counts(sums), { ...NONE, completed: 21 });
await sums.add("sum", { left: 1, right: 1 }, { removeOnComplete: true }).then((job) =>
  job.waitUntilFinished(sumsEvents)
);
await sums.add("sum", { left: 1, right: 1 }, { removeOnComplete: 5 }).then((job) => job.waitUntilFinished(sumsEvents));
assert.deepEqual(await counts(sums), { ...NONE, completed: 5 });
await adder.close();
for (let i = 0; i < 5; i++) await sums.add("sum", { left: i, right: i }, { delay: i % 2 * 100_000 });
await sums.drain(true);
assert.deepEqual(await counts(sums), { ...NONE, completed: 5 });
await sums.obliterate({ force: true });
assert.deepEqual(await connection.keys("bull:sums:*"), []);

// Tried again with backoff, and given up; retried by hand; told of each
const [tries, triesEvents] = await openQueue("tries");
let isFixed = false;
const failing = open(
  new Worker("tries", (job: Job) => {
    if (job.data.succeedsAt === job.attemptsMade || isFixed) return Promise.resolve("at last");
    return Promise.reject(new Error("not yet"));
  }, { ...options, settings: { backoffStrategy: (attempts?: number) => 5 * (attempts ?? 1) } }),
);
const backoffs = ["fixed", "exponential", "custom"];
const hard = await Promise.all(
  backoffs.map((type) => tries.add("hard", { succeedsAt: 2 }, { attempts: 3, backoff: { type, delay: 10 } })),
);
for (const job of hard) assert.equal(await job.waitUntilFinished(triesEvents), "at last");
assert.deepEqual((await tries.getCompleted()).map(({ attemptsMade }) => attemptsMade), [3, 3, 3]);
const hopeless = await tries.add("hopeless", {}, { attempts: 2 });
await assert.rejects(hopeless.waitUntilFinished(triesEvents), /not yet/);
const failed = await tries.getJob(hopeless.id ?? "");
assert.deepEqual([failed?.failedReason, failed?.attemptsMade, failed?.stacktrace?.length], ["not yet", 2, 2]);
isFixed = true;
await failed?.retry();
assert.equal(await hopeless.waitUntilFinished(triesEvents), "at last");
await failing.close();

// Delayed: until its time, or until it is promoted, or again by the worker
const [later, laterEvents] = await openQueue("later");
const startedMs = Date.now();
const soon = await later.add("soon", {}, { delay: 300 });
const far = await later.add("far", {}, { delay: 1_000_000 });
const farther = await later.add("farther", {}, { delay: 1_000_000 });
const twice = await later.add("twice", {});
assert.equal(await later.getDelayedCount(), 3);
const patient = open(
  new Worker("later", async (job: Job, token?: string) => {
    if (job.name === "twice" && job.attemptsStarted === 1) {
      await job.moveToDelayed(Date.now() + 50, token);
      throw new DelayedError();
    }
    return Date.now();
  }, options),
);
assert.ok(await soon.waitUntilFinished(laterEvents) - startedMs >= 290, "it was not done before its time");
await far.promote();
await far.waitUntilFinished(laterEvents);
await farther.changeDelay(10);
await farther.waitUntilFinished(laterEvents);
await twice.waitUntilFinished(laterEvents);
assert.deepEqual(await counts(later), { ...NONE, completed: 4 });
await patient.close();

// In the order of their priority, those that have none first
const [ranked, rankedEvents] = await openQueue("ranked");
const order: string[] = [];
for (const priority of [3, 1, 2, 1, 0]) await ranked.add(`priority ${priority}`, {}, { priority });
const last = await ranked.add("changed", {}, { priority: 1 });
await last.changePriority({ priority: 9 });
assert.deepEqual(await ranked.getCountsPerPriority([0, 1, 2, 3, 9]), { 0: 1, 1: 2, 2: 1, 3: 1, 9: 1 });
await ranked.add("first", {}, { lifo: true });
const ranker = open(new Worker("ranked", ({ name }: Job) => Promise.resolve(order.push(name)), options));
await last.waitUntilFinished(rankedEvents);
const inOrder = ["priority 0", "priority 1", "priority 1", "priority 2", "priority 3", "changed"];
assert.deepEqual(order, ["first", ...inOrder]);
await ranker.close();

// Not more than so many in a while
const [limited, limitedEvents] = await openQueue("limited");
const WHILE_MS = 200;
const beganMs: number[] = [];
const limitedJobs = await limited.addBulk(Array.from({ length: 6 }, () => ({ name: "any", data: {} })));
const limiter = { max: 2, duration: WHILE_MS };
const slow = open(new Worker("limited", () => Promise.resolve(beganMs.push(Date.now())), { ...options, limiter }));
await Promise.all(limitedJobs.map((job) => job.waitUntilFinished(limitedEvents)));
assert.ok(beganMs[5] - beganMs[0] >= WHILE_MS, "six took longer than one while, of which each has room for two");
assert.equal(await limited.getRateLimitTtl(1_000_000), 0);
await slow.close();

// Paused and resumed, and what is the same only once
const [paused, pausedEvents] = await openQueue("paused");
await paused.pause();
assert.equal(await paused.isPaused(), true);
const worker = open(new Worker("paused", ({ name }: Job) => Promise.resolve(name), options));
const waiting = await paused.add("waiting", {});
const only = { deduplication: { id: "only" } };
const one = await paused.add("only", {}, only);
assert.equal((await paused.add("only", {}, only)).id, one.id);
assert.equal(await waiting.getState(), "waiting");
await paused.resume();
assert.equal(await waiting.waitUntilFinished(pausedEvents), "waiting");
await one.waitUntilFinished(pausedEvents);
await worker.close();

// Taken over from somebody who does not renew the lock of a job
const [stalling, stallingEvents] = await openQueue("stalling");
const stalled = new Promise((resolve) => stallingEvents.on("stalled", ({ jobId }) => resolve(jobId)));
const lost = await stalling.add("lost", {});
const gone = open(new Worker("stalling", null, { ...options, lockDuration: 50 }));
assert.equal((await gone.getNextJob("a token"))?.id, lost.id);
const rescuer = open(new Worker("stalling", () => Promise.resolve("rescued"), { ...options, stalledInterval: 100 }));
assert.equal(await lost.waitUntilFinished(stallingEvents), "rescued");
assert.equal(await stalled, lost.id);
await rescuer.close();

for (const one of closing) await one.close();
await connection.quit();
console.log("done");
process.exit(0);
