/**
 * Workers: threads beside the one that serves. Nothing else in `lib/` starts one.
 *
 * What is sent is copied, or shared where it lies in a SharedArrayBuffer. Nothing is handed over: when a thread detaches its
 * first buffer, V8 throws away all that it has compiled for it (docs/decisions.md, "Nothing is detached").
 *
 * A simulation has what the worker's module does run on its own turns in the place of a thread.
 */

/** Who hears of a worker. */
export interface WorkerListener {
  onMessage(message: unknown): void;
  /** The worker is of no use any more; why, in one line. */
  onFailed(reason: string): void;
}

/** A worker that has been started. */
export interface WorkerThread {
  /** Sends a message. */
  post(message: unknown): void;
  /** Ends it at once. The listener hears nothing more. */
  terminate(): void;
}

/** Starts a worker that runs a module. */
export type WorkerStarter = (module: URL, listener: WorkerListener) => WorkerThread;

const startThread: WorkerStarter = (module, listener) => {
  const worker = new Worker(module, { type: "module" });
  worker.onmessage = (event: MessageEvent<unknown>) => listener.onMessage(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    listener.onFailed(event.message);
  };
  worker.onmessageerror = () => listener.onFailed("it sent what cannot be read");
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
  };
};

let starter = startThread;

/** Replaces what starts workers in the whole process; returns what did so far, to be put back. */
export function useWorkers(replacement: WorkerStarter): WorkerStarter {
  const before = starter;
  starter = replacement;
  return before;
}

/** Starts a worker that runs a module, of which `listener` hears. */
export function startWorker(module: URL, listener: WorkerListener): WorkerThread {
  return starter(module, listener);
}
