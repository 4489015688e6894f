/**
 * A simulated disk: files in a directory, and in those made in it, of which a crash keeps what was synced, and of the rest
 * a part, torn or zeroed. A name that a file was given or lost is kept once its directory was synced; of those after that,
 * the first few. Calls can be made to fail, writes to be short, and the server to be killed in the middle of any call.
 */

import { dirname } from "node:path";
import type { FilePurpose, Files } from "../../lib/runtime/files.ts";
import type { Chance } from "./chance.ts";
import { Killed, type Scheduler, type Scope } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** The directory that is there from the beginning. */
export const DIRECTORY = "/data";
/** A sync, or a call beside the main thread, takes up to so long on a slow disk and on a quick one, in ms. */
const SLOW_MS = 15;
const QUICK_MS = 0.6;

class Inode {
  /** Of a directory nothing is read or written: what is in it tells the path. */
  constructor(readonly isDirectory: boolean = false) {}

  bytes = new Uint8Array(1024);
  length = 0;
  /** The first bytes of it that a crash cannot take. */
  syncedLength = 0;
  /** A sync has failed: what it was to make durable may never be, whatever later syncs say. */
  isBroken = false;
  modifiedMs = 0;

  truncate(length: number): void {
    if (length > this.length) this.write(this.length, new Uint8Array(length - this.length));
    this.length = length;
    this.syncedLength = Math.min(this.syncedLength, length);
  }

  write(at: number, bytes: Uint8Array): void {
    if (at + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(2 * (at + bytes.length));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(bytes, at);
    this.length = Math.max(this.length, at + bytes.length);
    this.syncedLength = Math.min(this.syncedLength, at);
  }

  /** What a crash leaves of it. */
  afterCrash(chance: Chance): Inode {
    if (this.isDirectory) return this;
    const left = new Inode();
    const kept = this.syncedLength + chance.below(this.length - this.syncedLength + 1);
    left.write(0, this.bytes.subarray(0, kept));
    if (chance.oneIn(2)) left.bytes.fill(0, Math.max(this.syncedLength, kept - chance.below(4096)), kept);
    left.syncedLength = kept;
    left.modifiedMs = this.modifiedMs;
    return left;
  }
}

interface OpenFile {
  readonly inode: Inode;
  readonly path: string;
  /** Whether all is written behind the end, wherever that is by then. */
  readonly appends: boolean;
  readonly scope: Scope;
  at: number;
}

/** A change of names that a crash may undo. */
interface Renaming {
  /** How many came before it. */
  readonly number: number;
  readonly path: string;
  readonly inode: Inode | null;
}

export class Disk {
  /** Share of the calls that fail, and as what. */
  failing: { readonly code: string; readonly share: number } | null = null;
  /** Called once so many more calls were made, in the middle of one; it kills the server. */
  trap: { calls: number; readonly spring: () => void } | null = null;
  /** When a call was last made to fail, in ms. */
  failedMs = -Infinity;
  /** Whether a sync of an append-only file has ever failed: a server that ended for that may find it damaged. */
  hasBrokenLogs = false;
  /** Files that could not be removed, or not be looked at, when somebody wanted to. */
  readonly unremoved = new Set<string>();
  #names = new Map([[DIRECTORY, new Inode(true)]]);
  #durableNames = new Map(this.#names);
  #renamings: Renaming[] = [];
  #nextRenaming = 0;
  readonly #open = new Map<number, OpenFile>();
  #nextFile = 10;
  /** What takes long takes up to so long, in ms. */
  readonly #slowestMs: number;

  constructor(
    readonly name: string,
    readonly scheduler: Scheduler,
    readonly chance: Chance,
    readonly trace: Trace,
  ) {
    this.#slowestMs = chance.oneIn(2) ? QUICK_MS : SLOW_MS;
  }

  /** Names of the files in a directory. */
  namesIn(directory: string): string[] {
    if (!this.#inodeOf(directory).isDirectory) throw failure("ENOTDIR", directory);
    const paths = [...this.#names.keys()].filter((path) => path !== directory && dirname(path) === directory);
    return paths.map((path) => path.slice(directory.length + 1));
  }

  /** Temporary files that nobody has failed to remove. */
  leftOver(): string[] {
    return [...this.#names.keys()].filter((path) => /\/temp-[^/]*$/.test(path) && !this.unremoved.has(path));
  }

  /** Whether a file is there of which a part may never be durable, as a sync has failed. */
  get hasBrokenFiles(): boolean {
    return [...this.#names.values()].some(({ isBroken }) => isBroken);
  }

  /** An operator removes the append-only file. */
  removeLogs(): void {
    for (const path of [...this.#names.keys()]) {
      if (dirname(path) !== DIRECTORY && path !== DIRECTORY) this.#remove(path);
    }
    this.hasBrokenLogs = false;
  }

  /** Paths of the files that a server has open. */
  openFiles(scope: Scope): string[] {
    return [...this.#open.values()].filter((file) => file.scope === scope).map(({ path }) => path);
  }

  /** The server is gone, and with it, after a power failure, what was not durable. */
  crash(powerFailed: boolean): void {
    this.#open.clear();
    this.trap = null;
    if (!powerFailed) return;
    const kept = this.#renamings.slice(0, this.chance.below(this.#renamings.length + 1));
    for (const { path, inode } of kept) change(this.#durableNames, path, inode);
    // What is in a directory that has gone has gone with it.
    const isThere = (path: string): boolean =>
      path === DIRECTORY || (this.#durableNames.has(path) && isThere(dirname(path)));
    this.#names = new Map();
    for (const [path, inode] of this.#durableNames) {
      if (isThere(path)) this.#names.set(path, inode.afterCrash(this.chance));
    }
    this.#durableNames = new Map(this.#names);
    this.#renamings = [];
  }

  readonly files: Files = {
    open: (path, purpose) => this.#call("open", path, () => this.#openFile(path, purpose)),
    close: (file) => {
      if (this.scheduler.current.isDead) throw new Killed();
      if (!this.#open.delete(file)) throw failure("EBADF", `close ${file}`);
    },
    read: (file, bytes, start, length) => this.#call("read", "", () => this.#read(file, bytes, start, length)),
    readLater: (file, bytes, start, length) => this.#later("read", () => this.#read(file, bytes, start, length)),
    write: (file, bytes, start, length) => this.#call("write", "", () => this.#write(file, bytes, start, length)),
    truncate: (file, bytes) => this.#call("truncate", "", () => this.#opened(file).inode.truncate(bytes)),
    sync: (file) => {
      const done = this.#syncing(file);
      this.scheduler.nowMs += this.chance.between(0, this.#slowestMs);
      this.#call("sync", "", () => done(false), () => done(true));
    },
    syncLater: (file) => {
      const done = this.#syncing(file);
      return this.#later("sync", () => done(false), () => done(true));
    },
    rename: (from, to) =>
      this.#call("rename", to, () => {
        const inode = this.#inodeOf(from);
        this.#rename([{ path: to, inode }, { path: from, inode: null }]);
      }),
    link: (path, other) =>
      this.#call("link", other, () => {
        if (this.#names.has(other)) throw failure("EEXIST", other);
        this.#rename([{ path: other, inode: this.#inodeOf(path) }]);
      }),
    remove: (path) => this.#call("remove", path, () => this.#remove(path)),
    removeLater: (path) => this.#later("remove", () => this.#remove(path), () => this.unremoved.add(path)),
    makeDirectory: (path) =>
      this.#call("make directory", path, () => {
        if (this.#names.has(path)) throw failure("EEXIST", path);
        this.#rename([{ path, inode: new Inode(true) }]);
      }),
    list: (directory) => this.#call("list", "", () => this.namesIn(directory)),
    stat: (path) =>
      this.#call("stat", path, () => {
        const inode = this.#inodeOf(path);
        return { bytes: inode.length, modifiedMs: inode.modifiedMs };
      }),
  };

  /** Makes a call, unless it is to fail; the server may be killed before it has had an effect, or after. */
  #call<T>(what: string, path: string, body: () => T, onFailure: () => void = () => {}): T {
    if (this.scheduler.current.isDead) throw new Killed();
    this.trace.note(this.scheduler.nowMs, this.name, `${what} ${path.replace(/\d+-\d+/, "N")}`);
    const { trap } = this;
    const springs = trap !== null && --trap.calls <= 0;
    if (springs && this.chance.oneIn(2)) this.#spring(trap);
    const { failing } = this;
    if (failing !== null && this.chance.fraction() < failing.share && what !== "list") {
      onFailure();
      this.failedMs = this.scheduler.nowMs;
      this.scheduler.noteFault();
      if (what === "remove" || what === "stat") this.unremoved.add(path); // the start asks how old a file is
      throw failure(failing.code, `${what} ${path}`);
    }
    const result = body();
    if (springs) this.#spring(trap);
    return result;
  }

  #spring(trap: { readonly spring: () => void }): never {
    this.trap = null;
    trap.spring();
    throw new Killed();
  }

  #later<T>(what: string, body: () => T, onFailure?: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.scheduler.after(this.chance.between(0, this.#slowestMs), () => {
        try {
          resolve(this.#call(what, "later", body, onFailure));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #openFile(path: string, purpose: FilePurpose): number {
    const appends = purpose === "append";
    let inode: Inode;
    if (purpose === "replace" || (appends && !this.#names.has(path))) {
      this.#inodeOf(dirname(path));
      this.#rename([{ path, inode: inode = new Inode() }]);
    } else inode = this.#inodeOf(path);
    if (inode.isDirectory && purpose !== "read") throw failure("EISDIR", path);
    const file = this.#nextFile++;
    this.#open.set(file, { inode, path, appends, scope: this.scheduler.current, at: 0 });
    return file;
  }

  #inodeOf(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failure("ENOENT", path);
    return inode;
  }

  #opened(file: number): OpenFile {
    const opened = this.#open.get(file);
    if (opened === undefined) throw failure("EBADF", String(file));
    return opened;
  }

  #read(file: number, bytes: Uint8Array, start: number, length: number): number {
    const opened = this.#opened(file);
    if (opened.inode.isDirectory) throw failure("EISDIR", "read");
    const most = Math.min(length, opened.inode.length - opened.at);
    const count = most > 1 && this.chance.oneIn(20) ? 1 + this.chance.below(most) : most;
    bytes.set(opened.inode.bytes.subarray(opened.at, opened.at + count), start);
    opened.at += count;
    return count;
  }

  #write(file: number, bytes: Uint8Array, start: number, length: number): number {
    const opened = this.#opened(file);
    if (opened.appends) opened.at = opened.inode.length;
    const count = length > 1 && this.chance.oneIn(20) ? 1 + this.chance.below(length) : length;
    opened.inode.write(opened.at, bytes.subarray(start, start + count));
    opened.inode.modifiedMs = Math.floor(1.8e12 + this.scheduler.nowMs);
    opened.at += count;
    return count;
  }

  /** A sync that begins now; what it returns is to be called at its end, with whether it fails. */
  #syncing(file: number): (fails: boolean) => void {
    if (this.scheduler.current.isDead) throw new Killed();
    const { inode, path } = this.#opened(file);
    const { length } = inode;
    const renamings = this.#nextRenaming;
    return (fails) => {
      if (inode.isDirectory) {
        if (!fails) this.#keepNames(path, renamings);
      } else if (fails) {
        inode.isBroken = true;
        this.hasBrokenLogs ||= dirname(path) !== DIRECTORY;
      } else if (!inode.isBroken) {
        inode.syncedLength = Math.max(inode.syncedLength, Math.min(length, inode.length));
      }
    };
  }

  /** What changed in a directory before the change with a number cannot be undone any more. */
  #keepNames(directory: string, before: number): void {
    this.#renamings = this.#renamings.filter(({ number, path, inode }) => {
      if (number >= before || dirname(path) !== directory) return true;
      change(this.#durableNames, path, inode);
      return false;
    });
  }

  #remove(path: string): void {
    this.#inodeOf(path);
    this.#rename([{ path, inode: null }]);
  }

  #rename(renamings: readonly Omit<Renaming, "number">[]): void {
    for (const { path, inode } of renamings) {
      change(this.#names, path, inode);
      this.#renamings.push({ number: this.#nextRenaming++, path, inode });
    }
  }
}

function change(names: Map<string, Inode>, path: string, inode: Inode | null): void {
  if (inode === null) names.delete(path);
  else names.set(path, inode);
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${what}`), { code });
}
