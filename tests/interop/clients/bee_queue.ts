/** Jobs of bee-queue: made, done, tried again, delayed, and taken over from a worker that stalled. Argument: the server's port. */

import assert from "node:assert/strict";
import process from "node:process";
import Queue from "bee-queue";

const redis = { port: Number(process.argv[2]), host: "127.0.0.1" };
const CLOSING_MS = 1000;
type Data = { readonly left: number; readonly right: number };

/** A queue in which jobs are made. */
const maker = (name: string) => new Queue<Data>(name, { redis, isWorker: false });
/** What a job comes to. */
const outcome = (job: Queue.Job<Data>) =>
  new Promise((resolve) => {
    job.on("succeeded", resolve);
    job.on("failed", resolve);
  });

// Made, counted, found, removed
const sums = maker("sums");
await sums.ready();
const jobs = Array.from({ length: 20 }, (_, i) => sums.createJob({ left: i, right: i }));
const sumsDone = Promise.all(jobs.map(outcome));
await jobs[0].save();
assert.equal((await sums.saveAll(jobs.slice(1, 19))).size, 0);
await jobs[19].setId("the last").save();
assert.equal((await sums.checkHealth()).waiting, 20);
assert.deepEqual((await sums.getJob("the last")).data, { left: 19, right: 19 });
const unwanted = await sums.createJob({ left: 1, right: 1 }).save();
await sums.removeJob(unwanted.id);
assert.equal((await sums.checkHealth()).waiting, 20);

// Done, with progress
const worker = new Queue<Data>("sums", { redis });
const progress = new Promise((resolve) => jobs[3].on("progress", resolve));
worker.process(4, (job: Queue.Job<Data>) => {
  job.reportProgress(job.data.left);
  return Promise.resolve(job.data.left + job.data.right);
});
assert.deepEqual(await sumsDone, jobs.map((_, i) => 2 * i));
assert.equal(await progress, 3);
const health = await sums.checkHealth();
assert.deepEqual([health.waiting, health.active, health.succeeded], [0, 0, 20]);

// Tried again, at once and after a while, and given up
const quotients = maker("quotients");
const divider = new Queue<Data>("quotients", { redis, activateDelayedJobs: true });
let tries = 0;
divider.process(({ data }: Queue.Job<Data>) => {
  tries++;
  return data.right === 0 || tries < 3
    ? Promise.reject(new Error("division"))
    : Promise.resolve(data.left / data.right);
});
const hard = quotients.createJob({ left: 6, right: 3 }).retries(2).backoff("fixed", 10);
const hardDone = outcome(hard);
await hard.save();
assert.equal(await hardDone, 2);
const hopeless = quotients.createJob({ left: 1, right: 0 }).retries(1);
const hopelessDone = outcome(hopeless);
await hopeless.save();
assert.match(String(await hopelessDone), /division/);
assert.equal(tries, 5);
assert.equal((await quotients.checkHealth()).failed, 1);
assert.deepEqual((await quotients.getJobs("failed", { size: 10 })).map(({ id }) => id), [hopeless.id]);

// Delayed
const late = quotients.createJob({ left: 8, right: 2 }).delayUntil(Date.now() + 300);
const lateDone = outcome(late);
const startedMs = Date.now();
await late.save();
assert.equal(await lateDone, 4);
assert.ok(Date.now() - startedMs >= 290, "it was not done before its time");

// Taken over from a worker that says too seldom that it has its job
const name = "stalling";
const slow = new Queue<Data>(name, { redis, stallInterval: 200 });
let end = () => {};
const taken = new Promise<void>((resolve) =>
  slow.process(() => {
    resolve();
    return new Promise<void>((resolve) => end = resolve);
  })
);
const stalling = maker(name);
const stalled = stalling.createJob({ left: 1, right: 2 });
const stalledDone = outcome(stalled);
await stalled.save();
await taken;
const rescuer = new Queue<Data>(name, { redis, stallInterval: 10 });
await rescuer.ready();
while ((await stalling.checkHealth()).waiting === 0) {
  await rescuer.checkStalledJobs();
  await new Promise((resolve) => setTimeout(resolve, 20));
}
rescuer.process(({ data }: Queue.Job<Data>) => Promise.resolve(data.left + data.right));
assert.equal(await stalledDone, 3);
end();

for (const queue of [sums, worker, quotients, divider, stalling, slow, rescuer]) await queue.close(CLOSING_MS);
console.log("done");
process.exit(0);
