/**
 * What RDB is written to: strings, which become integers, LZF or raw, and all else as the bytes that it is. There are two:
 * the encoder (rdb_encoder.ts), for whoever writes in place (SAVE, DUMP), and tokens for an encoder in another thread
 * (token_writer.ts: BGSAVE, replicas). The RDB writer and the writers of value types do not know which they have.
 */

export interface RdbOutput {
  /** Writes bytes as they are. */
  plain(bytes: Uint8Array): void;
  /** Writes a string. It is read during the call only, and may lie in the arena. */
  string(bytes: Uint8Array, start: number, length: number): void;
  /** Begins a string of so many bytes, which are to be given to `append` piece by piece, before anything else. */
  beginString(length: number): void;
  append(bytes: Uint8Array, start: number, length: number): void;
  /** Begins a run of opcodes and lengths, of `MAX_RUN_BYTES` at most, of which each is one of the three below. */
  begin(): void;
  byte(value: number): void;
  /** Little-endian. */
  int32(value: number): void;
  /** A length as RDB has it. */
  length(value: number): void;
  /** Ends the run. */
  end(): void;
  /** Hands on all that was written. */
  flush(): void;
}

/** Most bytes between `begin` and `end`. */
export const MAX_RUN_BYTES = 47;
