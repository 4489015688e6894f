/** Geohashes: scores and back, text, distances, and cells that cover what is searched. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellsCovering,
  decodeScore,
  distanceWithin,
  endScore,
  firstScore,
  geoDistance,
  geohashText,
  type GeoPoint,
  geoScore,
  type GeoShape,
  isOnMap,
  MAX_LATITUDE,
  reachInDegrees,
} from "../../lib/bytes/geohash.ts";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { randomFrom } from "../store/support.ts";

const at = (longitude: number, latitude: number): GeoPoint => ({ longitude, latitude });

function decoded(score: number): GeoPoint {
  const point = at(0, 0);
  decodeScore(score, point);
  return point;
}

test("a score is the point's geohash, and decodes to the middle of its cell", () => {
  assert.equal(geoScore(13.361389, 38.115556), 3479099956230698);
  assert.equal(geoScore(-180, -MAX_LATITUDE), 0);
  const random = randomFrom(1);
  for (let i = 0; i < 2000; i++) {
    const [longitude, latitude] = [random() * 360 - 180, (random() * 2 - 1) * MAX_LATITUDE];
    const score = geoScore(longitude, latitude);
    const point = decoded(score);
    assert.ok(Math.abs(point.longitude - longitude) < 360 / 2 ** 27 + 1e-12);
    assert.ok(Math.abs(point.latitude - latitude) < (2 * MAX_LATITUDE) / 2 ** 27 + 1e-12);
    assert.equal(geoScore(point.longitude, point.latitude), score);
  }
});

test("any score at all stands for a point on the map", () => {
  for (const score of [-1, 0.5, 2 ** 53, 2 ** 60, 1e300, -1e300, Infinity, -Infinity, Number.MIN_VALUE]) {
    const { longitude, latitude } = decoded(score);
    assert.ok(isOnMap(longitude, latitude), String(score));
  }
  assert.ok(!isOnMap(180.1, 0) && !isOnMap(0, 86) && !isOnMap(NaN, 0) && !isOnMap(0, NaN));
});

test("as text a geohash is what others write", () => {
  const text = (point: GeoPoint): string => decodeLatin1(geohashText(point), 0, 11);
  assert.equal(text(decoded(geoScore(13.361389, 38.115556))), "sqc8b49rny0");
  assert.equal(text(at(0, 0)), "s0000000000");
  assert.equal(text(at(-180, -90)), "00000000000");
  assert.equal(text(at(179.9999999, 89.9999999)), "zzzzzzzzzz0");
});

test("distances are great circles", () => {
  assert.equal(geoDistance(0, 0, 0, 0), 0);
  const quarter = 6372797.560856 * Math.PI / 2;
  assert.ok(Math.abs(geoDistance(0, 0, 90, 0) - quarter) < 1e-6);
  assert.ok(Math.abs(geoDistance(30, -45, 30, 45) - quarter) < 1e-6);
  assert.equal(geoDistance(10, 20, 30, 40), geoDistance(30, 40, 10, 20));
});

test("cells cover each point of a shape once, wherever it is but at the poles and across the date line", () => {
  const random = randomFrom(2);
  for (let i = 0; i < 300; i++) {
    const reachM = 10 ** (1 + random() * 5.3);
    const isBox = random() < 0.5;
    const [reachEastM, reachNorthM] = isBox ? [reachM * random(), reachM * random()] : [reachM, reachM];
    const shape: GeoShape = {
      longitude: random() * 240 - 120,
      latitude: random() * 100 - 50,
      isBox,
      reachEastM,
      reachNorthM,
      reachM: isBox ? Math.hypot(reachEastM, reachNorthM) : reachM,
    };
    const cells = cellsCovering(shape);
    assert.ok(cells.length >= 1 && cells.length <= 9);
    const degrees = (shape.reachM / 6372797) * (180 / Math.PI);
    for (let k = 0; k < 100; k++) {
      const longitude = shape.longitude + ((random() * 2 - 1) * degrees) / Math.cos(shape.latitude * Math.PI / 180);
      const latitude = shape.latitude + (random() * 2 - 1) * degrees;
      if (!isOnMap(longitude, latitude)) continue;
      const score = geoScore(longitude, latitude);
      if (Number.isNaN(distanceWithin(shape, decoded(score), reachInDegrees(shape)))) continue;
      const holding = cells.filter((cell) => score >= firstScore(cell) && score < endScore(cell));
      assert.equal(holding.length, 1, JSON.stringify({ shape, longitude, latitude }));
    }
  }
});

test("no point within a shape is further to the east or west than it says to reach, wherever it is", () => {
  const random = randomFrom(3);
  for (let i = 0; i < 3000; i++) {
    const reachM = 10 ** (random() * 7.5);
    const isBox = random() < 0.5;
    const [reachEastM, reachNorthM] = isBox ? [reachM * random(), reachM * random()] : [reachM, reachM];
    const shape: GeoShape = {
      longitude: random() * 360 - 180,
      latitude: (random() * 2 - 1) * MAX_LATITUDE,
      isBox,
      reachEastM,
      reachNorthM,
      reachM: isBox ? Math.hypot(reachEastM, reachNorthM) : reachM,
    };
    const most = reachInDegrees(shape);
    for (let k = 0; k < 50; k++) {
      // About as far as it reaches, above all.
      const east = most * (k % 2 === 0 ? random() : 0.999 + 0.002 * random());
      const north = (reachNorthM / 6372797) * (180 / Math.PI) * random();
      const longitude = ((shape.longitude + (random() < 0.5 ? east : -east) + 540) % 360) - 180;
      const point = at(longitude, shape.latitude + (random() < 0.5 ? north : -north));
      if (!isOnMap(point.longitude, point.latitude)) continue;
      assert.equal(
        distanceWithin(shape, point, most),
        distanceWithin(shape, point, 180),
        JSON.stringify({ shape, point }),
      );
    }
  }
});
