/**
 * Pub/Sub: who listens to which channels, patterns and shard channels, and the delivery of messages.
 *
 * A message is written as RESP once per protocol version, one behind the other into a buffer that all subscribers share
 * until the output is flushed: a delivery is a note of where the message lies. Subscribers are clients, seen through
 * `Subscriber`.
 */

import { globMatch } from "../bytes/glob.ts";
import { decodeLatin1, encodeLatin1, LONGEST_STRING } from "../bytes/latin1.ts";
import { ReplyWriter } from "../resp/reply.ts";

/** One who listens. */
export interface Subscriber {
  readonly protocol: 2 | 3;
  readonly channels: Set<string>;
  readonly patterns: Set<string>;
  readonly shardChannels: Set<string>;
  /** Takes a message for sending, which stays where it is until all output has been flushed. */
  deliverShared(bytes: Uint8Array, start: number, end: number): void;
}

/** The three kinds of subscription; their names begin the messages about them. */
export type SubscriptionKind = "channel" | "pattern" | "shard";

interface Pattern {
  readonly bytes: Uint8Array;
  readonly subscribers: Set<Subscriber>;
}

const MESSAGE = encodeLatin1("message");
const PATTERN_MESSAGE = encodeLatin1("pmessage");
const SHARD_MESSAGE = encodeLatin1("smessage");

export class PubSub {
  readonly #channels = new Map<string, Set<Subscriber>>();
  readonly #shardChannels = new Map<string, Set<Subscriber>>();
  readonly #patterns = new Map<string, Pattern>();
  /** One message in each protocol. */
  readonly #forms: Readonly<Record<2 | 3, ReplyWriter>> = { 2: new ReplyWriter(), 3: new ReplyWriter() };

  constructor() {
    this.#forms[3].protocol = 3;
  }

  /** Patterns that somebody listens to. */
  get patternCount(): number {
    return this.#patterns.size;
  }

  /** Channels, or shard channels, that somebody listens to. */
  channelCount(kind: "channel" | "shard"): number {
    return this.#subscriptions(kind).size;
  }

  /** Names of the channels that somebody listens to, as binary strings. */
  channelNames(kind: "channel" | "shard"): Iterable<string> {
    return this.#subscriptions(kind).keys();
  }

  /** Subscribers of a channel. */
  subscriberCount(kind: "channel" | "shard", name: string): number {
    return this.#subscriptions(kind).get(name)?.size ?? 0;
  }

  #subscriptions(kind: "channel" | "shard"): Map<string, Set<Subscriber>> {
    return kind === "channel" ? this.#channels : this.#shardChannels;
  }

  /** Adds a subscription; whether it is new. */
  subscribe(subscriber: Subscriber, kind: SubscriptionKind, name: string): boolean {
    const own = ownNames(subscriber, kind);
    if (own.has(name)) return false;
    own.add(name);
    if (kind === "pattern") {
      let pattern = this.#patterns.get(name);
      if (pattern === undefined) {
        pattern = { bytes: encodeLatin1(name), subscribers: new Set() };
        this.#patterns.set(name, pattern);
      }
      pattern.subscribers.add(subscriber);
      return true;
    }
    const channels = this.#subscriptions(kind);
    let subscribers = channels.get(name);
    if (subscribers === undefined) channels.set(name, subscribers = new Set());
    subscribers.add(subscriber);
    return true;
  }

  /** Ends a subscription; whether there was one. */
  unsubscribe(subscriber: Subscriber, kind: SubscriptionKind, name: string): boolean {
    if (!ownNames(subscriber, kind).delete(name)) return false;
    if (kind === "pattern") {
      const pattern = this.#patterns.get(name);
      pattern?.subscribers.delete(subscriber);
      if (pattern?.subscribers.size === 0) this.#patterns.delete(name);
      return true;
    }
    const channels = this.#subscriptions(kind);
    const subscribers = channels.get(name);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) channels.delete(name);
    return true;
  }

  /** Ends all of a subscriber's subscriptions, without a word to it: it is gone. */
  forget(subscriber: Subscriber): void {
    for (const kind of ["channel", "pattern", "shard"] as const) {
      for (const name of [...ownNames(subscriber, kind)]) this.unsubscribe(subscriber, kind, name);
    }
  }

  /**
   * Sends a message to the subscribers of a channel and, unless it is a shard channel, of the patterns that match it.
   * Returns the number of deliveries.
   */
  publish(
    kind: "channel" | "shard",
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    message: Uint8Array,
    messageStart: number,
    messageLength: number,
  ): number {
    let delivered = 0;
    const subscriptions = this.#subscriptions(kind);
    // Where nobody subscribes the name need not be made; one that cannot be made is nobody's.
    const subscribers = subscriptions.size === 0 || channelLength > LONGEST_STRING
      ? undefined
      : subscriptions.get(decodeLatin1(channel, channelStart, channelStart + channelLength));
    if (subscribers !== undefined) {
      const label = kind === "channel" ? MESSAGE : SHARD_MESSAGE;
      delivered += this.#deliver(subscribers, (form) => {
        form.push(3);
        form.bulkBytes(label);
        form.bulk(channel, channelStart, channelLength);
        form.bulk(message, messageStart, messageLength);
      });
    }
    if (kind === "shard" || this.#patterns.size === 0) return delivered;
    for (const pattern of this.#patterns.values()) {
      const { bytes } = pattern;
      if (!globMatch(bytes, 0, bytes.length, channel, channelStart, channelLength, false)) continue;
      delivered += this.#deliver(pattern.subscribers, (form) => {
        form.push(4);
        form.bulkBytes(PATTERN_MESSAGE);
        form.bulkBytes(bytes);
        form.bulk(channel, channelStart, channelLength);
        form.bulk(message, messageStart, messageLength);
      });
    }
    return delivered;
  }

  /** Forgets the messages in the shared buffers: all output has been flushed. */
  flushed(): void {
    for (const form of [this.#forms[2], this.#forms[3]]) {
      if (form.length > 0) form.clear();
    }
  }

  /** Writes a message in the protocols that are asked for, and notes it for each subscriber. */
  #deliver(subscribers: Set<Subscriber>, write: (form: ReplyWriter) => void): number {
    // -1: not written yet. A message never moves once it is written: a full buffer is replaced, not grown.
    let startOfTwo = -1;
    let startOfThree = -1;
    for (const subscriber of subscribers) {
      if (subscriber.protocol === 3) {
        if (startOfThree < 0) startOfThree = this.#write(3, write);
        subscriber.deliverShared(this.#forms[3].buffer, startOfThree, this.#forms[3].length);
      } else {
        if (startOfTwo < 0) startOfTwo = this.#write(2, write);
        subscriber.deliverShared(this.#forms[2].buffer, startOfTwo, this.#forms[2].length);
      }
    }
    return subscribers.size;
  }

  /** Writes a message behind those that are there, or, where it does not fit, into a new buffer; its start. */
  #write(protocol: 2 | 3, write: (form: ReplyWriter) => void): number {
    const form = this.#forms[protocol];
    const start = form.length;
    const { buffer } = form;
    write(form);
    if (form.buffer === buffer) return start;
    // The writer has grown, and moved what subscribers refer to: it keeps the message alone, they keep the old buffer.
    form.buffer.copyWithin(0, start, form.length);
    form.length -= start;
    return 0;
  }
}

function ownNames(subscriber: Subscriber, kind: SubscriptionKind): Set<string> {
  if (kind === "channel") return subscriber.channels;
  return kind === "pattern" ? subscriber.patterns : subscriber.shardChannels;
}
