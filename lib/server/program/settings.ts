/**
 * The directives that are read too often for a look-up: plain fields, kept up to date by the composition. Filled by
 * apply_config.ts; read by connections, dispatcher, cron and loading.
 */

/** A limit on a client's pending output, in bytes; 0 means none. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  /** How long the soft limit may be passed. */
  readonly softSeconds: number;
}

const NO_LIMIT: OutputLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };

/** The directives that hot paths read. */
export class Settings {
  maxBulkBytes: number = 512 * 1024 * 1024;
  maxClients = 10_000;
  queryBufferLimitBytes: number = 1024 * 1024 * 1024;
  idleTimeoutSeconds = 0;
  /** Limits for normal clients, replicas and Pub/Sub clients; none until the configuration is applied. */
  outputLimits: readonly [OutputLimit, OutputLimit, OutputLimit] = [NO_LIMIT, NO_LIMIT, NO_LIMIT];
  /** Output below this passes no limit of any class. */
  lowestOutputLimitBytes = Infinity;
  /** In µs; negative: no log. */
  slowlogThresholdMicroseconds = 10_000;
  /** From so long on scripts are said to take long, in ms; 0: never. */
  busyReplyThresholdMs = 5000;
  latencyTracking = true;
  /** How long each key takes to load at least, in ms. */
  keyLoadDelayMs = 0;
  /** Bits of `commands/events.ts`. */
  keyspaceEvents = 0;
  requirePassword = "";
  hz = 10;
  /** 1 to 10. */
  activeExpireEffort = 1;

  setOutputLimits(normal: OutputLimit, replica: OutputLimit, pubsub: OutputLimit): void {
    this.outputLimits = [normal, replica, pubsub];
    const all = this.outputLimits.flatMap(({ hardBytes, softBytes }) => [hardBytes, softBytes]);
    this.lowestOutputLimitBytes = Math.min(...all.filter((bytes) => bytes > 0), Infinity);
  }
}
