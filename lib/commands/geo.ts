/**
 * Points on the earth: GEOADD, GEOPOS, GEODIST, GEOHASH. They are members of sorted sets, whose scores are geohashes
 * (bytes/geohash.ts); searches for them are in geo_search.ts.
 */

import { formatDouble } from "../bytes/decimal.ts";
import { formatFourDecimals } from "../bytes/doubles.ts";
import { decodeScore, geoDistance, geohashText, type GeoPoint, geoScore, isOnMap } from "../bytes/geohash.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { type Command, command, DENYOOM, READONLY, WRITE } from "./command.ts";
import { NOT_FLOAT, SYNTAX_ERROR } from "./errors.ts";
import { KEY_RO_ACCESS, KEY_RW_UPDATE } from "./key_specs.ts";
import type { Session } from "./session.ts";
import { numberArgument, readSortedSet } from "./sorted_set_access.ts";
import { addMembers, COUNTS_CHANGED, ONLY_NEW, ONLY_THERE, scoresFor } from "./sorted_set_adding.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Units of distances, in metres. */
const METRES: readonly (readonly [unit: string, metres: number])[] = [
  ["m", 1],
  ["km", 1000],
  ["ft", 0.3048],
  ["mi", 1609.34],
];

const point: GeoPoint = { longitude: 0, latitude: 0 };
const otherPoint: GeoPoint = { longitude: 0, latitude: 0 };

/** The metres of the unit in an argument; 0 after having replied that it is none. */
export function unitArgument(session: Session, request: Request, at: number): number {
  for (const [unit, metres] of METRES) if (request.is(at, unit)) return metres;
  session.reply.error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return 0;
}

/** Reads a longitude and a latitude from two arguments; false after having replied with an error. */
export function readPoint(session: Session, request: Request, at: number, into: GeoPoint): boolean {
  into.longitude = numberArgument(request, at);
  into.latitude = Number.isNaN(into.longitude) ? NaN : numberArgument(request, at + 1);
  const { longitude, latitude } = into;
  if (isOnMap(longitude, latitude)) return true;
  if (Number.isNaN(longitude) || Number.isNaN(latitude)) session.reply.error(NOT_FLOAT);
  else session.reply.error(`ERR invalid longitude,latitude pair ${sixDecimals(longitude)},${sixDecimals(latitude)}`);
  return false;
}

/** A number as C's `%f` prints it. */
function sixDecimals(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Math.abs(value) < 1e21) return value.toFixed(6);
  return `${BigInt(value)}.000000`;
}

/** Reads the point of the member in an argument; false if it is not there. */
export function findPoint(session: Session, request: Request, ref: number, at: number, into: GeoPoint): boolean {
  const { sortedSets } = session.host.store;
  if (ref === MISSING || !sortedSets.find(ref, request.bytes, request.starts[at], request.lengths[at])) return false;
  decodeScore(sortedSets.score, into);
  return true;
}

/** Replies with a distance. */
export function replyDistance(reply: ReplyWriter, distance: number): void {
  reply.bulkString(formatFourDecimals(distance));
}

/** Replies with a longitude and a latitude. */
export function replyPoint(reply: ReplyWriter, { longitude, latitude }: GeoPoint): void {
  reply.array(2);
  reply.longDouble(formatDouble(longitude));
  reply.longDouble(formatDouble(latitude));
}

/** `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member …]` */
function geoadd(session: Session, request: Request): void {
  let mode = 0;
  let from = 2;
  for (; from < request.argc; from++) {
    if (request.is(from, "nx")) mode |= ONLY_NEW;
    else if (request.is(from, "xx")) mode |= ONLY_THERE;
    else if (request.is(from, "ch")) mode |= COUNTS_CHANGED;
    else break;
  }
  const left = request.argc - from;
  const isContrary = (mode & ONLY_NEW) !== 0 && (mode & ONLY_THERE) !== 0;
  if (left === 0 || left % 3 !== 0 || isContrary) return session.reply.error(SYNTAX_ERROR);
  const count = left / 3;
  const scores = scoresFor(count);
  for (let i = 0; i < count; i++) {
    if (!readPoint(session, request, from + 3 * i, point)) return;
    scores[i] = geoScore(point.longitude, point.latitude);
  }
  addMembers(session, request, mode, from + 2, 3, count);
}

/** `GEOPOS key [member …]` */
function geopos(session: Session, request: Request): void {
  const { reply } = session;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    if (findPoint(session, request, ref, i, point)) replyPoint(reply, point);
    else reply.nilArray();
  }
}

/** `GEODIST key member1 member2 [M | KM | FT | MI]` */
function geodist(session: Session, request: Request): void {
  const { reply } = session;
  if (request.argc > 5) return reply.error(SYNTAX_ERROR);
  const unit = request.argc === 5 ? unitArgument(session, request, 4) : 1;
  if (unit === 0) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  const areThere = findPoint(session, request, ref, 2, point) && findPoint(session, request, ref, 3, otherPoint);
  if (!areThere) return reply.nil();
  const { longitude, latitude } = otherPoint;
  replyDistance(reply, geoDistance(point.longitude, point.latitude, longitude, latitude) / unit);
}

/** `GEOHASH key [member …]` */
function geohash(session: Session, request: Request): void {
  const { reply } = session;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    if (findPoint(session, request, ref, i, point)) reply.bulkBytes(geohashText(point));
    else reply.nil();
  }
}

const GEO = { categories: ["geo"] };
const READS = { ...GEO, keys: KEY_RO_ACCESS };

export const GEO_COMMANDS: readonly Command[] = [
  command("geoadd", -5, WRITE | DENYOOM, geoadd, { ...GEO, keys: KEY_RW_UPDATE, members: [4, -1, 3] }),
  command("geopos", -2, READONLY, geopos, { ...READS, members: [2, -1, 1] }),
  command("geodist", -4, READONLY, geodist, { ...READS, members: [2, 3, 1] }),
  command("geohash", -2, READONLY, geohash, { ...READS, members: [2, -1, 1] }),
];
