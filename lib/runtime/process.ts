/**
 * The process: its number, what it takes of the machine, and whether another one is there. Nothing else in `lib/` asks the
 * system for these.
 *
 * Files that are being written have the number in their names, and those of processes that are gone are removed. So both
 * are for a simulation to say, in which many servers are one process.
 */

import { getPriority } from "node:os";
import process from "node:process";
import { heapInUse } from "./heap.ts";

/** Memory that the process takes, and the part of it that is in use in the runtime's heap, in bytes. */
export interface ProcessMemory {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** Time that processors have spent on something so far, in µs: in the program itself, and in the system for it. */
export interface ProcessorTime {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
}

/** A process, and what it knows of others. */
export interface Process {
  readonly id: number;
  /** Whether there is a process of that number; null where that cannot be known. */
  readonly isRunning: (id: number) => boolean | null;
  readonly memory: () => ProcessMemory;
  /** Spent on all threads, or on the one that asks. */
  readonly processorTime: (on: "process" | "thread") => ProcessorTime;
}

const SYSTEM: Process = {
  id: process.pid,
  isRunning: (id) => {
    try {
      getPriority(id); // the one question about another process that needs no right to start or to end any
      return true;
    } catch (error) {
      return (error as { info?: { code?: string } }).info?.code === "ESRCH" ? false : null; // an error of node:os
    }
  },
  memory: () => {
    const usage = process.memoryUsage();
    return { residentBytes: usage.rss, heapBytes: heapInUse(usage) };
  },
  processorTime: (on) => {
    const { user, system } = on === "process" ? process.cpuUsage() : process.threadCpuUsage();
    return { userMicroseconds: user, systemMicroseconds: system };
  },
};

let current = SYSTEM;

/** Replaces what the whole process takes for itself; returns what that was, to be put back. */
export function useProcess(replacement: Process): Process {
  const before = current;
  current = replacement;
  return before;
}

/** The process that this is: not to be kept. */
export function thisProcess(): Process {
  return current;
}
