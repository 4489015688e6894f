/** INFO cpu: processor time of the process, and of the thread that serves. There are no child processes. */

import { thisProcess } from "../../../runtime/process.ts";
import type { Field } from "./field.ts";

/** The fields of the section, in Redis\'s order. */
export function cpuFields(): Field[] {
  const { processorTime } = thisProcess();
  const all = processorTime("process");
  const main = processorTime("thread");
  return [
    ["used_cpu_sys", seconds(all.systemMicroseconds)],
    ["used_cpu_user", seconds(all.userMicroseconds)],
    ["used_cpu_sys_children", seconds(0)],
    ["used_cpu_user_children", seconds(0)],
    ["used_cpu_sys_main_thread", seconds(main.systemMicroseconds)],
    ["used_cpu_user_main_thread", seconds(main.userMicroseconds)],
  ];
}

function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}
