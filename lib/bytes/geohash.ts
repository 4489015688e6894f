/**
 * Geohashes (Niemeyer, 2008): points on the earth as numbers whose bits are in turn those of the latitude and of the
 * longitude, so that what begins alike lies in the same cell of a grid. As Redis has them: 26 bits of each, of latitudes
 * within the square of the web's Mercator projection; a point is such a number as the score of a sorted set.
 *
 * Distances are great circles on a sphere, by the haversine formula, in metres; coordinates are degrees.
 */

export const MAX_LONGITUDE = 180;
export const MAX_LATITUDE = 85.05112878;
/** Bits of each coordinate in a score. */
export const SCORE_STEP = 26;

const EARTH_RADIUS_M = 6372797.560856;
const DEGREE = Math.PI / 180;
/** Half the circumference of the projected earth. */
const MERCATOR_MAX_M = 20037726.37;
const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";
/** Bits of a character of a geohash as others write it, and characters of each half of one, but for the last. */
const CHARACTER_BITS = 5;
const HALF_CHARACTERS = 5;
/** The latitudes of a geohash as others write it. */
const MAX_TEXT_LATITUDE = 90;
/** Columns, and rows, of the cells of scores. */
const SCORE_CELLS = 2 ** SCORE_STEP;
const HALF_WORD = 2 ** 16;
const WORD = 2 ** 32;

/** A point, to be decoded into again and again. */
export interface GeoPoint {
  longitude: number;
  latitude: number;
}

/** A cell of the grid with `2^step` columns and rows: its column and row, counted from the southwest. */
export interface GeoCell {
  readonly column: number;
  readonly row: number;
  readonly step: number;
}

/** The bits of a 16-bit number with a 0 before each. */
function spread(value: number): number {
  value = (value | (value << 8)) & 0x00ff00ff;
  value = (value | (value << 4)) & 0x0f0f0f0f;
  value = (value | (value << 2)) & 0x33333333;
  return (value | (value << 1)) & 0x55555555;
}

/** Every second bit of a 32-bit number, from the lowest on. */
function gather(value: number): number {
  value &= 0x55555555;
  value = (value | (value >>> 1)) & 0x33333333;
  value = (value | (value >>> 2)) & 0x0f0f0f0f;
  value = (value | (value >>> 4)) & 0x00ff00ff;
  return (value | (value >>> 8)) & 0xffff;
}

/** The bits of a row and a column in turn; beyond 2^53, the nearest double. */
function interleave(row: number, column: number): number {
  const low = spread(row & 0xffff) | (spread(column & 0xffff) << 1);
  const high = spread(row >>> 16) | (spread(column >>> 16) << 1);
  return (high >>> 0) * WORD + (low >>> 0);
}

/** The row or column of a coordinate, of so many. */
function indexOf(coordinate: number, max: number, count: number): number {
  return Math.floor(((coordinate + max) / (max + max)) * count);
}

/** Where a row or column begins, of so many. */
function coordinateOf(index: number, max: number, count: number): number {
  return -max + (index / count) * (max + max);
}

/** Whether coordinates are such as can be a score. */
export function isOnMap(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= MAX_LONGITUDE && Math.abs(latitude) <= MAX_LATITUDE;
}

/** The cell in which a point lies. */
export function cellAt(longitude: number, latitude: number, step: number): GeoCell {
  const count = 2 ** step;
  return { column: indexOf(longitude, MAX_LONGITUDE, count), row: indexOf(latitude, MAX_LATITUDE, count), step };
}

/** The score of a point. */
export function geoScore(longitude: number, latitude: number): number {
  const column = indexOf(longitude, MAX_LONGITUDE, SCORE_CELLS);
  return interleave(indexOf(latitude, MAX_LATITUDE, SCORE_CELLS), column);
}

/** The point that a score stands for: the middle of its cell. Any score is one, as C's conversion to 64 bits takes it. */
export function decodeScore(score: number, into: GeoPoint): void {
  let low: number;
  let high: number;
  if (score >= 0 && score < Number.MAX_SAFE_INTEGER) {
    const whole = Math.floor(score);
    high = Math.floor(whole / WORD);
    low = whole - high * WORD;
  } else {
    const bits = Number.isFinite(score) ? BigInt.asUintN(64, BigInt(Math.trunc(score))) : score < 0 ? 1n << 63n : 0n;
    high = Number(bits >> 32n);
    low = Number(bits & 0xffffffffn);
  }
  const row = gather(low) + gather(high) * HALF_WORD;
  const column = gather(low >>> 1) + gather(high >>> 1) * HALF_WORD;
  into.longitude = middleOf(column, MAX_LONGITUDE);
  into.latitude = middleOf(row, MAX_LATITUDE);
}

function middleOf(index: number, max: number): number {
  const middle = (coordinateOf(index, max, SCORE_CELLS) + coordinateOf(index + 1, max, SCORE_CELLS)) / 2;
  return Math.min(max, Math.max(-max, middle));
}

/** The text of the point that was written last. */
const text = new Uint8Array(2 * HALF_CHARACTERS + 1).fill(ALPHABET.charCodeAt(0));

/**
 * A point as others write geohashes, in eleven characters, until the next call. The last is always 0: there are no bits for
 * it.
 */
export function geohashText({ longitude, latitude }: GeoPoint): Uint8Array {
  const row = indexOf(latitude, MAX_TEXT_LATITUDE, SCORE_CELLS);
  const column = indexOf(longitude, MAX_LONGITUDE, SCORE_CELLS);
  // Of 52 bits the lowest two are left out. What is written is two halves of the others, as integers of 25 bits.
  const bits = Math.floor(interleave(row, column) / 4);
  const high = Math.floor(bits / 2 ** 25);
  writeHalf(high, 0);
  writeHalf(bits - high * 2 ** 25, HALF_CHARACTERS);
  return text;
}

function writeHalf(bits: number, at: number): void {
  for (let i = HALF_CHARACTERS - 1; i >= 0; i--, bits >>>= CHARACTER_BITS) {
    text[at + i] = ALPHABET.charCodeAt(bits & 31);
  }
}

/** The lowest score in a cell. */
export function firstScore({ row, column, step }: GeoCell): number {
  return interleave(row, column) * 2 ** (2 * (SCORE_STEP - step));
}

/** The lowest score behind those in a cell. */
export function endScore({ row, column, step }: GeoCell): number {
  return (interleave(row, column) + 1) * 2 ** (2 * (SCORE_STEP - step));
}

// --- Distances --------------------------------------------------------------------------------------------------------

function latitudeDistance(a: number, b: number): number {
  return EARTH_RADIUS_M * Math.abs(b * DEGREE - a * DEGREE);
}

/** Metres between two points. */
export function geoDistance(longitude: number, latitude: number, longitude2: number, latitude2: number): number {
  const v = Math.sin((longitude2 * DEGREE - longitude * DEGREE) / 2);
  if (v === 0) return latitudeDistance(latitude, latitude2);
  const from = latitude * DEGREE;
  const to = latitude2 * DEGREE;
  const u = Math.sin((to - from) / 2);
  const a = u * u + Math.cos(from) * Math.cos(to) * v * v;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(a));
}

/** What is searched: a circle or a box around a point. A circle is as high and wide as its radius is long. */
export interface GeoShape extends GeoPoint {
  isBox: boolean;
  /** Metres from the middle to the edge: of a box, half its width and height. */
  reachEastM: number;
  reachNorthM: number;
  /** Metres from the middle to the furthest point. */
  reachM: number;
}

/** What rounding makes of a distance is less than this share of it, and a millimetre. */
const CLEARLY_MORE = 1 + 1e-9;
const CLEARLY_M = 1e-3;
const CLEARLY_DEGREES = 1e-8;

/**
 * Degrees of longitude from the middle of a shape, beyond which all points lie outside that are no further to the north or
 * south than it reaches. 180 where there are none.
 */
export function reachInDegrees({ isBox, latitude, reachM, reachEastM, reachNorthM }: GeoShape): number {
  const middle = Math.abs(latitude) * DEGREE;
  let most: number;
  if (isBox) {
    // An edge is as far from the middle in metres at any latitude: in degrees it is furthest where the circles are shortest.
    const pole = middle + reachNorthM / EARTH_RADIUS_M;
    if (pole >= Math.PI / 2 || reachEastM >= Math.PI * EARTH_RADIUS_M) return 180;
    most = 2 * Math.asin(Math.min(1, Math.sin(reachEastM / EARTH_RADIUS_M / 2) / Math.cos(pole)));
  } else {
    const angle = reachM / EARTH_RADIUS_M;
    if (middle + angle >= Math.PI / 2) return 180; // a pole lies within
    most = Math.asin(Math.min(1, Math.sin(angle) / Math.cos(middle)));
  }
  return (most / DEGREE) * CLEARLY_MORE + CLEARLY_DEGREES;
}

/**
 * Metres from the middle of a shape to a point; NaN where the point lies outside. `mostDegrees` is the shape's
 * `reachInDegrees`.
 */
export function distanceWithin(shape: GeoShape, { longitude, latitude }: GeoPoint, mostDegrees: number): number {
  // Most points of the cells lie outside, and most of these by one coordinate alone, which takes no sine.
  if (latitudeDistance(latitude, shape.latitude) > shape.reachM * CLEARLY_MORE + CLEARLY_M) return NaN;
  const degrees = Math.abs(longitude - shape.longitude);
  if (degrees > mostDegrees && 360 - degrees > mostDegrees) return NaN;
  if (!shape.isBox) {
    const distance = geoDistance(shape.longitude, shape.latitude, longitude, latitude);
    return distance > shape.reachM ? NaN : distance;
  }
  if (latitudeDistance(latitude, shape.latitude) > shape.reachNorthM) return NaN;
  if (geoDistance(longitude, latitude, shape.longitude, latitude) > shape.reachEastM) return NaN;
  return geoDistance(shape.longitude, shape.latitude, longitude, latitude);
}

// --- Covering a shape with cells --------------------------------------------------------------------------------------

/** The step of cells that are about as large as a shape, which nine of them cover. */
function stepFor(reachM: number, latitude: number): number {
  if (reachM === 0) return SCORE_STEP;
  let step = 1;
  for (; reachM < MERCATOR_MAX_M; reachM *= 2) step++;
  step -= 2;
  // Cells grow narrow towards the poles.
  if (Math.abs(latitude) > 66) step--;
  if (Math.abs(latitude) > 80) step--;
  return Math.min(SCORE_STEP, Math.max(1, step));
}

/** The cell so many columns to the east and rows to the north of another; the grid has no edges. */
function neighbour({ column, row, step }: GeoCell, east: number, north: number): GeoCell {
  const count = 2 ** step;
  return {
    column: east === 0 ? column : (column + east + count) % count,
    row: north === 0 ? row : (row + north + count) % count,
    step,
  };
}

const west = ({ column, step }: GeoCell): number => coordinateOf(column, MAX_LONGITUDE, 2 ** step);
const east = ({ column, step }: GeoCell): number => coordinateOf(column + 1, MAX_LONGITUDE, 2 ** step);
const south = ({ row, step }: GeoCell): number => coordinateOf(row, MAX_LATITUDE, 2 ** step);
const north = ({ row, step }: GeoCell): number => coordinateOf(row + 1, MAX_LATITUDE, 2 ** step);

/** Neighbours in the order in which they are searched, as steps to the east and to the north. */
const NEIGHBOURS: readonly (readonly [east: number, north: number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

/** The cells that cover a shape, at most nine, in the order in which Redis searches them. */
export function cellsCovering(shape: GeoShape): GeoCell[] {
  const { longitude, latitude } = shape;
  const height = shape.reachNorthM / EARTH_RADIUS_M / DEGREE;
  // Circles of latitude are shorter towards the poles, so the edge nearer to one reaches over more degrees.
  const edge = latitude < 0 ? latitude - height : latitude + height;
  const width = shape.reachEastM / EARTH_RADIUS_M / Math.cos(edge * DEGREE) / DEGREE;
  const [least, most] = [longitude - width, longitude + width];
  const [lowest, highest] = [latitude - height, latitude + height];

  const step = stepFor(shape.reachM, latitude);
  let middle = cellAt(longitude, latitude, step);
  const isTooSmall = north(neighbour(middle, 0, 1)) < highest || south(neighbour(middle, 0, -1)) > lowest ||
    east(neighbour(middle, 1, 0)) < most || west(neighbour(middle, -1, 0)) > least;
  if (step > 1 && isTooSmall) middle = cellAt(longitude, latitude, step - 1);

  const skips = middle.step >= 2;
  const skipsSouth = skips && south(middle) < lowest;
  const skipsNorth = skips && north(middle) > highest;
  const skipsWest = skips && west(middle) < least;
  const skipsEast = skips && east(middle) > most;
  const cells: GeoCell[] = [];
  for (const [toEast, toNorth] of NEIGHBOURS) {
    if ((toNorth < 0 && skipsSouth) || (toNorth > 0 && skipsNorth)) continue;
    if ((toEast < 0 && skipsWest) || (toEast > 0 && skipsEast)) continue;
    const cell = neighbour(middle, toEast, toNorth);
    // Where there are few cells, those on both sides may be the same.
    const last = cells[cells.length - 1];
    if (cells.length > 1 && last.column === cell.column && last.row === cell.row) continue;
    cells.push(cell);
  }
  return cells;
}
