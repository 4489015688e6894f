/** The worker behind background saves: the module of a thread that does what save_job.ts says. */

import { type FromWorker, SaveJobs, type ToWorker } from "./save_job.ts";

export type { WorkerOptions } from "./save_job.ts";

/** The part of a worker's global scope that is used here; the runtimes' own types of it differ. */
interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}
const scope = globalThis as unknown as Scope; // a module worker's global object has these two

const jobs = new SaveJobs((message) => scope.postMessage(message));
scope.onmessage = (event) => jobs.receive(event.data);
