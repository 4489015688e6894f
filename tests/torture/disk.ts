/**
 * The system's disk behind a door that can fail: one call of those that change something, or all from one on. What is done
 * stays done, as the process ends and not the machine.
 */

import type { Files } from "../../lib/runtime/files.ts";

/** Which of the calls fail, counted from 1 on: one, or that and all behind it; or at which the server is killed. */
export interface Fault {
  readonly at: number;
  readonly lasts: boolean;
  readonly code: "EIO" | "ENOSPC" | "SIGKILL";
}

/** A call for a server that is gone. */
export class Gone extends Error {
  override name = "Gone";
}

export class FaultyDisk {
  /** Calls that were made of those that may fail. */
  calls = 0;
  /** The first that failed. */
  failed = "";
  fault: Fault | null = null;
  /** Whether the server is gone: nothing more is done for it. */
  isGone = false;
  /** Calls under way beside the thread that asked. */
  underway = 0;
  #failsNextWrite = false;
  /** Whether what is to be made durable is: tests of what is loaded need no disk to be slow. */
  readonly #syncs: boolean;

  constructor(readonly system: Files, options: { readonly syncs: boolean }) {
    this.#syncs = options.syncs;
  }

  readonly files: Files = {
    open: (path, purpose) => {
      this.#count(purpose === "read" ? null : `open ${path} to ${purpose}`);
      return this.system.open(path, purpose);
    },
    close: (file) => this.system.close(file),
    read: (file, bytes, start, length) => this.#now(null, () => this.system.read(file, bytes, start, length)),
    readLater: (file, bytes, start, length) =>
      this.#later(null, () => this.system.readLater(file, bytes, start, length)),
    write: (file, bytes, start, length) => this.#write(file, bytes, start, length),
    truncate: (file, bytes) => this.#now("truncate", () => this.system.truncate(file, bytes)),
    sync: (file, part) => this.#now("sync", () => this.#syncs ? this.system.sync(file, part) : undefined),
    syncLater: (file, part) =>
      this.#later("syncLater", () => this.#syncs ? this.system.syncLater(file, part) : Promise.resolve()),
    rename: (from, to) => this.#now(`rename ${from} to ${to}`, () => this.system.rename(from, to)),
    link: (path, other) => this.#now(`link ${path}`, () => this.system.link(path, other)),
    remove: (path) => this.#now(`remove ${path}`, () => this.system.remove(path)),
    removeLater: (path) => this.#later(`removeLater ${path}`, () => this.system.removeLater(path)),
    makeDirectory: (path) => this.#now(`makeDirectory ${path}`, () => this.system.makeDirectory(path)),
    list: (directory) => this.#now(null, () => this.system.list(directory)),
    stat: (path) => this.#now(null, () => this.system.stat(path)),
  };

  /** Counts a call, which throws if it is to fail. `name`: null where it changes nothing. */
  #count(name: string | null): void {
    if (this.isGone) {
      this.calls++;
      throw new Gone("the server is gone");
    }
    if (name === null) return;
    this.calls++;
    const { fault } = this;
    if (fault === null || (fault.lasts ? this.calls < fault.at : this.calls !== fault.at)) return;
    this.#fail(name);
  }

  #fail(name: string): never {
    if (this.failed === "") this.failed = name;
    if (this.fault?.code === "SIGKILL") {
      this.isGone = true;
      throw new Gone("the server is killed");
    }
    throw Object.assign(new Error("simulated"), { code: this.fault?.code });
  }

  #now<T>(name: string | null, call: () => T): T {
    this.#count(name);
    return call();
  }

  /**
   * A write that is to fail, or during which the server is killed, writes a part. With ENOSPC it says so, as the system does, and the next one fails; with EIO it
   * does not, as Deno's, which goes on by itself until one fails.
   */
  #write(file: number, bytes: Uint8Array, start: number, length: number): number {
    const fails = this.#failsNextWrite;
    this.#failsNextWrite = false;
    try {
      if (fails) this.#fail("write");
      this.#count("write");
    } catch (error) {
      if (fails || length < 2 || (error instanceof Gone && this.fault?.at !== this.calls)) throw error;
      const part = this.system.write(file, bytes, start, length >> 1);
      if (this.fault?.code !== "ENOSPC") throw error;
      this.#failsNextWrite = true;
      return part;
    }
    return this.system.write(file, bytes, start, length);
  }

  async #later<T>(name: string | null, call: () => Promise<T>): Promise<T> {
    this.underway++;
    try {
      this.#count(name);
      return await call();
    } finally {
      this.underway--;
    }
  }
}
