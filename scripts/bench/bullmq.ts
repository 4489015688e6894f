/** BullMQ, as a load of scripts: jobs that are added one by one, and done by workers. */

import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

/** Jobs that are being added at once, and done at once. */
const ADDED_AT_ONCE = 100;
const DONE_AT_ONCE = 50;

/** Adds so many jobs, and has all of them done. */
export async function runJobs(port: number, count: number): Promise<void> {
  const connection = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: null });
  const queue = new Queue("jobs", { connection });
  for (let added = 0; added < count; added += ADDED_AT_ONCE) {
    const jobs = Array.from({ length: Math.min(ADDED_AT_ONCE, count - added) }, (_, i) => added + i);
    await Promise.all(jobs.map((number) => queue.add("job", { number, text: "some data of a job" })));
  }
  let done = 0;
  await new Promise<void>((resolve) => {
    const worker = new Worker("jobs", (job) => Promise.resolve(job.data.number), {
      connection,
      concurrency: DONE_AT_ONCE,
    });
    worker.on("completed", () => {
      if (++done === count) resolve(worker.close());
    });
  });
  await queue.close();
  await connection.quit();
}
