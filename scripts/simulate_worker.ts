/** A thread of scripts/simulate.ts: runs the seeds that it is sent, one after the other, and sends what came of each. */

import { simulate } from "../tests/simulation/world.ts";

export interface Task {
  readonly seed: number;
  readonly faultsMs: number;
}

addEventListener("message", ({ data }: MessageEvent<Task>) => {
  void simulate(data.seed, data.faultsMs).then((outcome) => postMessage(outcome));
});
