/**
 * Searching for points: GEOSEARCH and GEOSEARCHSTORE, and GEORADIUS and its kin, which came before them.
 *
 * At most nine cells of the grid cover what is searched; the members of each are a range of scores. O(n + log m) for the n
 * points in those cells, of m in all; O(r log r) more to sort r results.
 */

import {
  cellsCovering,
  decodeScore,
  distanceWithin,
  endScore,
  firstScore,
  type GeoPoint,
  type GeoShape,
  reachInDegrees,
} from "../bytes/geohash.ts";
import type { Request } from "../resp/request.ts";
import { type Command, command, DENYOOM, type Handler, READONLY, WRITE } from "./command.ts";
import { ElementCopies } from "./element_copies.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import type { DumpingHost } from "./host_facets.ts";
import { findPoint, readPoint, replyDistance, replyPoint, unitArgument } from "./geo.ts";
import { integerArgument } from "./integer_argument.ts";
import {
  ACCESS,
  type FoundKeys,
  KEY_RO_ACCESS,
  type KeySpec,
  keySpec,
  keyword,
  oneKey,
  OW,
  range,
  RO,
  UPDATE,
} from "./key_specs.ts";
import { removeTarget } from "./removal.ts";
import type { Session } from "./session.ts";
import { cursorOf, numberArgument, readSortedSet } from "./sorted_set_access.ts";
import { sortedSetResult } from "./sorted_set_results.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Whom searches run for. */
type Caller = Session<DumpingHost>;

/** Which of the commands it is: what its arguments are. */
interface Form {
  /** Where the middle comes from: arguments of its own, a member, or options. */
  readonly middle: "point" | "member" | "options";
  /** Whether the result may be, or always is, stored. */
  readonly stores: "never" | "by option" | "always";
}

/** The members of points that were found. */
const members = new ElementCopies();

/** A point that was found. */
interface Found {
  /** Where in `members` its member lies. */
  readonly start: number;
  readonly length: number;
  readonly score: number;
  readonly longitude: number;
  readonly latitude: number;
  /** Metres from the middle. */
  readonly distance: number;
}

/** What was asked for. */
class Search {
  readonly shape: GeoShape = { longitude: 0, latitude: 0, isBox: false, reachEastM: 0, reachNorthM: 0, reachM: 0 };
  /** The unit of distances, in metres. */
  unit = 1;
  hasMiddle = false;
  hasShape = false;
  withDistance = false;
  withHash = false;
  withPoint = false;
  order: "ascending" | "descending" | null = null;
  /** Most results; 0: all. */
  count = 0;
  /** Whether any results do, not the nearest ones. */
  isAny = false;
  /** The argument with the key under which the result is stored; 0 where it is replied. */
  target = 0;
  storesDistances = false;

  constructor(readonly session: Caller, readonly request: Request, readonly form: Form, readonly ref: number) {}

  #refuse(error: string): boolean {
    this.session.reply.error(error);
    return false;
  }

  /** Reads all arguments; false after having replied with an error. */
  read(): boolean {
    const { session, request, form, ref, shape } = this;
    let at = form.stores === "always" ? 3 : 2;
    if (form.stores === "always") this.target = 1;
    if (form.middle === "point") {
      if (!readPoint(session, request, 2, shape) || !this.#readRadius(4)) return false;
      at = 6;
    } else if (form.middle === "member") {
      // Where there is no key, all that is of use is whether the result is stored.
      if (ref !== MISSING && (!this.#readMember(2) || !this.#readRadius(3))) return false;
      at = 5;
    }
    while (at < request.argc) {
      const taken = form.middle === "options" ? this.#readPlace(at) || this.#readOption(at) : this.#readOption(at);
      if (taken === FAILED) return false;
      if (taken === 0) return this.#refuse(SYNTAX_ERROR);
      at += taken;
    }
    return this.#isSound();
  }

  #isSound(): boolean {
    const { form, request } = this;
    if (this.target !== 0 && (this.withDistance || this.withHash || this.withPoint)) {
      const what = form.stores === "always" ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      return this.#refuse(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    }
    if (form.middle === "options" && !this.hasMiddle) {
      return this.#refuse(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${request.text(0)}`);
    }
    if (form.middle === "options" && !this.hasShape) {
      return this.#refuse(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${request.text(0)}`);
    }
    if (this.isAny && this.count === 0) return this.#refuse("ERR the ANY argument requires COUNT argument");
    return true;
  }

  /** Reads an option of any of the commands; the number of its arguments, 0 if it is none, or FAILED. */
  #readOption(at: number): number {
    const { session, request, form } = this;
    const left = request.argc - at - 1;
    if (request.is(at, "withdist")) this.withDistance = true;
    else if (request.is(at, "withhash")) this.withHash = true;
    else if (request.is(at, "withcoord")) this.withPoint = true;
    else if (request.is(at, "any")) this.isAny = true;
    else if (request.is(at, "asc")) this.order = "ascending";
    else if (request.is(at, "desc")) this.order = "descending";
    else if (form.stores === "always" && request.is(at, "storedist")) this.storesDistances = true;
    else if (left > 0 && request.is(at, "count")) {
      const count = integerArgument(session, request, at + 1);
      if (count === null) return FAILED;
      if (count <= 0) return this.#failed("ERR COUNT must be > 0");
      this.count = count;
      return 2;
    } else if (left > 0 && form.stores === "by option" && (request.is(at, "store") || request.is(at, "storedist"))) {
      this.target = at + 1;
      this.storesDistances = request.is(at, "storedist");
      return 2;
    } else {
      return 0;
    }
    return 1;
  }

  /** Reads an option of GEOSEARCH that says where, in the same way. */
  #readPlace(at: number): number {
    const { session, request, ref, shape } = this;
    const left = request.argc - at - 1;
    if (left > 0 && !this.#isMiddlePoint && request.is(at, "frommember")) {
      if (ref !== MISSING && !this.#readMember(at + 1)) return FAILED;
      this.hasMiddle = true;
      return 2;
    }
    const isMember = this.hasMiddle && !this.#isMiddlePoint;
    if (left > 1 && !isMember && request.is(at, "fromlonlat")) {
      if (!readPoint(session, request, at + 1, shape)) return FAILED;
      this.hasMiddle = this.#isMiddlePoint = true;
      return 3;
    }
    if (left > 1 && !(this.hasShape && shape.isBox) && request.is(at, "byradius")) {
      return this.#readRadius(at + 1) ? 3 : FAILED;
    }
    if (left > 2 && !(this.hasShape && !shape.isBox) && request.is(at, "bybox")) {
      return this.#readBox(at + 1) ? 4 : FAILED;
    }
    return 0;
  }

  /** Whether the middle was given by FROMLONLAT. */
  #isMiddlePoint = false;

  #failed(error: string): typeof FAILED {
    this.session.reply.error(error);
    return FAILED;
  }

  #readMember(at: number): boolean {
    return findPoint(this.session, this.request, this.ref, at, this.shape) ||
      this.#refuse("ERR could not decode requested zset member");
  }

  /** Reads a radius and its unit. */
  #readRadius(at: number): boolean {
    const { session, request, shape } = this;
    const radius = numberArgument(request, at);
    if (Number.isNaN(radius)) return this.#refuse("ERR need numeric radius");
    if (radius < 0) return this.#refuse("ERR radius cannot be negative");
    const unit = unitArgument(session, request, at + 1);
    if (unit === 0) return false;
    this.unit = unit;
    shape.isBox = false;
    shape.reachM = shape.reachEastM = shape.reachNorthM = radius * unit;
    this.hasShape = true;
    return true;
  }

  /** Reads a width, a height and their unit. */
  #readBox(at: number): boolean {
    const { session, request, shape } = this;
    const width = numberArgument(request, at);
    if (Number.isNaN(width)) return this.#refuse("ERR need numeric width");
    const height = numberArgument(request, at + 1);
    if (Number.isNaN(height)) return this.#refuse("ERR need numeric height");
    if (width < 0 || height < 0) return this.#refuse("ERR height or width cannot be negative");
    const unit = unitArgument(session, request, at + 2);
    if (unit === 0) return false;
    this.unit = unit;
    shape.isBox = true;
    shape.reachEastM = (width * unit) / 2;
    shape.reachNorthM = (height * unit) / 2;
    shape.reachM = Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) * unit;
    this.hasShape = true;
    return true;
  }

  /** The points that were asked for, in order. */
  find(): Found[] {
    const found = this.#within(this.isAny ? this.count : Infinity);
    const order = this.order ?? (this.count > 0 && !this.isAny ? "ascending" : null);
    if (order === "ascending") found.sort((a, b) => a.distance - b.distance);
    else if (order === "descending") found.sort((a, b) => b.distance - a.distance);
    if (this.count > 0 && found.length > this.count) found.length = this.count;
    return found;
  }

  /** Points within the shape, as many as `limit`, cell by cell. */
  #within(limit: number): Found[] {
    const cursor = cursorOf(this.session.host.store);
    const point: GeoPoint = { longitude: 0, latitude: 0 };
    const found: Found[] = [];
    const mostDegrees = reachInDegrees(this.shape);
    for (const cell of cellsCovering(this.shape)) {
      const end = endScore(cell);
      let isThere = found.length < limit && cursor.toScore(this.ref, firstScore(cell), false);
      for (; isThere && cursor.score < end; isThere = found.length < limit && cursor.next()) {
        const { member, score } = cursor;
        decodeScore(score, point);
        const distance = distanceWithin(this.shape, point, mostDegrees);
        if (Number.isNaN(distance)) continue;
        const start = members.add(member.bytes, member.start, member.length);
        const { longitude, latitude } = point;
        found.push({ start, length: member.length, score, longitude, latitude, distance });
      }
    }
    return found;
  }
}

/** Replies with points, each alone or with what else was asked for of it. */
function replyFound({ session: { reply }, unit, withDistance, withHash, withPoint }: Search, found: Found[]): void {
  const more = Number(withDistance) + Number(withHash) + Number(withPoint);
  reply.array(found.length);
  for (const one of found) {
    if (reply.isCut) return;
    if (more > 0) reply.array(more + 1);
    reply.bulk(members.bytes, one.start, one.length);
    if (withDistance) replyDistance(reply, one.distance / unit);
    if (withHash) replyHash(reply, one.score);
    if (withPoint) replyPoint(reply, one);
  }
}

/** Replies with a score as the integer that it is, mostly. */
function replyHash(reply: Search["session"]["reply"], score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.integer(whole + 0);
  else if (whole >= -(2 ** 63) && whole < 2 ** 63) reply.bigInteger(BigInt(whole));
  else reply.bigInteger(-(2n ** 63n)); // what conversions that overflow give on x86-64
}

function storeFound(search: Search, found: Found[]): void {
  const { session, request, target, storesDistances, unit, form } = search;
  const result = sortedSetResult;
  try {
    for (const { start, length, distance, score } of found) {
      result.addBytes(members.bytes, start, length, storesDistances ? distance / unit : score);
    }
    const event = form.middle === "options" ? "geosearchstore" : "georadiusstore";
    result.store(session, request, target, event, found.length);
    if (found.length > 0) propagateStored(session, request, target);
  } finally {
    result.release();
  }
}

/**
 * What was stored goes on as the value that it is: sines are not the same to the last bit everywhere, so that another
 * server might find other distances, and other points at the edge.
 */
function propagateStored(session: Caller, request: Request, target: number): void {
  const { database, host } = session;
  const builder = session.propagateAs(5);
  if (builder === null) return;
  const ref = database.peek(request.bytes, request.starts[target], request.lengths[target]);
  const payload = host.dumper.dump(ref, false);
  builder.word("RESTORE").argument(request, target).word("0").bytes(payload, 0, payload.length).word("REPLACE");
}

/** GEORADIUSBYMEMBER has its options from here on; GEORADIUS one argument later, which is a unit. */
const FIRST_OPTION = 5;

/** The key that is searched, and that which the last STORE or STOREDIST names. */
function findRadiusKeys(request: Request, found: FoundKeys): boolean {
  let stored = 0;
  for (let i = FIRST_OPTION; i + 1 < request.argc; i++) {
    if (request.is(i, "store") || request.is(i, "storedist")) stored = ++i;
  }
  found.add(1, RO | ACCESS);
  if (stored !== 0) found.add(stored, OW | UPDATE);
  return true;
}

function run(session: Caller, request: Request, form: Form): void {
  const ref = readSortedSet(session, request, form.stores === "always" ? 2 : 1);
  if (ref === FAILED) return;
  const search = new Search(session, request, form, ref);
  if (!search.read()) return;
  if (ref !== MISSING) {
    try {
      const found = search.find();
      return search.target === 0 ? replyFound(search, found) : storeFound(search, found);
    } finally {
      members.clear();
    }
  }
  if (search.target === 0) return session.reply.array(0);
  removeTarget(session, request, search.target);
  session.reply.integer(0);
}

const searching = (middle: Form["middle"], stores: Form["stores"]): Handler => {
  const form: Form = { middle, stores };
  return (session, request) => run(session, request, form);
};

const GEO = { categories: ["geo"] };
const READS = { ...GEO, keys: KEY_RO_ACCESS };

/** The key, and what STORE and STOREDIST name from an argument on. */
function storingKeys(from: number): KeySpec[] {
  return [
    oneKey(RO | ACCESS),
    keySpec(OW | UPDATE, keyword("STORE", from), range(0)),
    keySpec(OW | UPDATE, keyword("STOREDIST", from), range(0)),
  ];
}

export const GEO_SEARCH_COMMANDS: readonly Command[] = [
  command("geosearch", -7, READONLY, searching("options", "never"), READS),
  command("geosearchstore", -8, WRITE | DENYOOM, searching("options", "always"), {
    ...GEO,
    keys: [oneKey(OW | UPDATE), oneKey(RO | ACCESS, 2)],
  }),
  command("georadius", -6, WRITE | DENYOOM, searching("point", "by option"), {
    ...GEO,
    keys: storingKeys(6),
    keyFinder: findRadiusKeys,
  }),
  command("georadius_ro", -6, READONLY, searching("point", "never"), READS),
  command("georadiusbymember", -5, WRITE | DENYOOM, searching("member", "by option"), {
    ...GEO,
    keys: storingKeys(5),
    keyFinder: findRadiusKeys,
  }),
  command("georadiusbymember_ro", -5, READONLY, searching("member", "never"), READS),
];
