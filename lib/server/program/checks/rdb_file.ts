/** `tredis check-rdb FILE`. */

import { basename } from "node:path";
import { fromBinary } from "../../../bytes/paths.ts";
import { checkRdb, type RdbCheck } from "../../../persistence/check_rdb.ts";
import { at, Progress, say, withFile } from "./terminal.ts";

export const RDB_USAGE = "Usage: tredis check-rdb FILE";

/** Checks an RDB file, and says what it finds; the code to exit with. */
export function checkRdbFile(path: string): number {
  return withFile(path, (file, bytes) => reportRdb(path, file, bytes).error === null ? 0 : 1);
}

/** Checks the RDB data that a file begins with, and says what it finds. */
export function reportRdb(name: string, file: number, bytes: number): RdbCheck {
  at(0, `Checking RDB file ${basename(name)}`);
  const progress = new Progress(bytes);
  const check = checkRdb(file, {
    onAux: (field, value, offset) => {
      progress.end();
      at(offset, `AUX FIELD ${fromBinary(field)} = '${fromBinary(value)}'`);
    },
    onDatabase: (index, offset) => {
      progress.end();
      at(offset, `Selecting DB ID ${index}`);
    },
    onProgress: (done) => progress.show(done),
  });
  progress.end();
  const { error } = check;
  if (error === null) {
    if (check.hasChecksum) at(check.bytes, "Checksum OK");
    at(check.bytes, "\\o/ RDB looks OK! \\o/");
  } else {
    say("--- RDB ERROR DETECTED ---");
    at(error.offset, error.reason);
    if (error.key !== null) say(`[additional info] Reading key '${fromBinary(error.key)}'`);
  }
  say(`[info] ${check.keys} keys read`);
  say(`[info] ${check.expiring} expires`);
  say(`[info] ${check.expired} already expired`);
  return check;
}
