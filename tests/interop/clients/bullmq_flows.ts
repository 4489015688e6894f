/** What BullMQ has jobs wait for: their children, and their turn to be repeated. Argument: the server's port. */

import assert from "node:assert/strict";
import process from "node:process";
import { FlowProducer, type Job, Queue, QueueEvents, WaitingChildrenError, Worker } from "bullmq";
import { Redis } from "ioredis";

const connection = new Redis({ port: Number(process.argv[2]), host: "127.0.0.1", maxRetriesPerRequest: null });
const options = { connection };
const NEVER_MS = 1_000_000;

/** Waits until a condition holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

// A parent that waits for children and their children, in queues of their own
const flows = new FlowProducer(options);
const events = new QueueEvents("parents", { ...options, lastEventId: "0" });
await events.waitUntilReady();
const parents = new Queue("parents", options);
const children = new Queue("children", options);
const leaf = (name: string, opts = {}) => ({ name, queueName: "children", data: { size: name.length }, opts });
const tree = await flows.add({
  name: "whole",
  queueName: "parents",
  children: [
    leaf("leaf"),
    { name: "branch", queueName: "children", data: { size: 0 }, children: [leaf("inner"), leaf("other")] },
    leaf("late", { delay: 50 }),
    leaf("bad", { ignoreDependencyOnFailure: true }),
  ],
});
assert.equal(await tree.job.getState(), "waiting-children");
assert.equal(tree.children?.length, 4);
assert.deepEqual(await tree.job.getDependenciesCount(), { processed: 0, unprocessed: 4, ignored: 0, failed: 0 });
const found = await flows.getFlow({ id: tree.job.id ?? "", queueName: "parents" });
assert.equal(found.children?.find(({ job }) => job.name === "branch")?.children?.length, 2);

/** The size of a job, and of all below it. */
async function size(job: Job): Promise<number> {
  if (job.name === "bad") throw new Error("nothing to be measured");
  const below: number[] = Object.values(await job.getChildrenValues());
  return below.reduce((sum, one) => sum + one, job.data.size ?? 0);
}
const workers = [new Worker("parents", size, options), new Worker("children", size, { ...options, concurrency: 3 })];
assert.equal(await tree.job.waitUntilFinished(events), 4 + 5 + 5 + 4);
assert.deepEqual(Object.values(await tree.job.getIgnoredChildrenFailures()), ["nothing to be measured"]);
const { processed, ignored } = await tree.job.getDependenciesCount();
assert.deepEqual([processed, ignored], [3, 1]);

// One that fails with its child, and one that goes with its parent
const doomed = await flows.add({
  name: "doomed",
  queueName: "parents",
  children: [leaf("bad", { failParentOnFailure: true })],
});
await assert.rejects(doomed.job.waitUntilFinished(events), /child bull:children:.+ failed/);
const unwanted = await flows.add({
  name: "unwanted",
  queueName: "parents",
  children: [leaf("long", { delay: NEVER_MS })],
});
assert.equal(await children.getDelayedCount(), 1);
await unwanted.job.remove({ removeChildren: true });
assert.equal(await children.getDelayedCount(), 0);
for (const worker of workers) await worker.close();

// One that makes its children when it is under way
const makers = new Worker("parents", async (job: Job, token?: string) => {
  const below: number[] = Object.values(await job.getChildrenValues());
  if (below.length > 0) return below[0];
  await children.add("made", { size: 17 }, { parent: { id: job.id ?? "", queue: job.queueQualifiedName } });
  if (await job.moveToWaitingChildren(token ?? "")) throw new WaitingChildrenError();
}, options);
const made = new Worker("children", ({ data }: Job) => Promise.resolve(data.size), options);
assert.equal(await (await parents.add("maker", {})).waitUntilFinished(events), 17);
await makers.close();
await made.close();

// Again and again: every so often, by a pattern of times, so many times
const repeated = new Queue("repeated", options);
await repeated.upsertJobScheduler("often", { every: 50 }, { name: "often", data: { what: "old" } });
await repeated.upsertJobScheduler("often", { every: 50 }, { name: "often", data: { what: "new" } });
await repeated.upsertJobScheduler("thrice", { every: 50, limit: 3 }, { name: "thrice" });
await repeated.upsertJobScheduler("yearly", { pattern: "0 0 1 1 *", tz: "UTC" }, { name: "yearly" });
assert.deepEqual((await repeated.getJobSchedulers()).map(({ key }) => key).sort(), ["often", "thrice", "yearly"]);
assert.equal((await repeated.getJobScheduler("often"))?.template?.data?.what, "new");
const next = new Date((await repeated.getJobScheduler("yearly"))?.next ?? 0);
assert.deepEqual([next.getUTCMonth(), next.getUTCDate(), next.getTime() > Date.now()], [0, 1, true]);
const done: string[] = [];
const repeater = new Worker("repeated", ({ name, data }: Job) => {
  done.push(name === "often" ? `${name} ${data.what}` : name);
  return Promise.resolve();
}, options);
const times = (what: string) => done.filter((one) => one === what).length;
await until(() => times("often new") >= 5 && times("thrice") >= 3);
assert.equal(times("often old"), 0);
assert.equal(await repeated.removeJobScheduler("often"), true);
assert.equal(await repeated.removeJobScheduler("often"), false);
await until(async () => await repeated.getDelayedCount() === 1); // next year's
assert.deepEqual([times("thrice"), times("yearly")], [3, 0]);
await repeater.close();

for (const one of [flows, events, parents, children, repeated]) await one.close();
await connection.quit();
console.log("done");
process.exit(0);
