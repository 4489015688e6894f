/** COMMAND DOCS of commands about points on the earth: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const POINT = "longitude_latitude=(longitude:double latitude:double)";
const UNIT = "unit=<M | KM | FT | MI>";
const FROM = `from=<FROMMEMBER member | FROMLONLAT ${POINT}>`;
const BY = `by=<circle=(BYRADIUS radius:double ${UNIT}) | box=(BYBOX width:double height:double ${UNIT})>`;
const ORDER = "[order=<ASC | DESC>]";
const COUNT = "[count=(COUNT count:int [ANY])]";
const WITH = "[WITHCOORD] [WITHDIST] [WITHHASH]";
const OLD_WITH = `${WITH} [count=(COUNT count:int [ANY@6.2.0])] ${ORDER}`;
const STORING = "[STORE key] [STOREDIST key]";
const SEARCH = "O(N+log M) for N points in and near the shape, of M in all";

export const GEO_DOCS: ReadonlyMap<string, CommandDoc> = group("geo", {
  "geoadd": doc(
    "3.2.0",
    "O(log N) for each point, N of which there are",
    "key [condition=<NX | XX>@6.2.0] [change=CH@6.2.0] " +
      "longitude_latitude_member=(longitude:double latitude:double member)...",
    "Adds points, or moves those that are there.",
  ),
  "geodist": doc("3.2.0", "O(1)", `key member1 member2 [${UNIT}]`, "Tells the distance between two points."),
  "geohash": doc("3.2.0", "O(N) for N points named", "key member...", "Replies with the geohashes of points, as text."),
  "geopos": doc("3.2.0", "O(N) for N points named", "key member...", "Replies with the coordinates of points."),
  "georadius": doc(
    "3.2.0",
    SEARCH,
    `key longitude:double latitude:double radius:double ${UNIT} ${OLD_WITH} ${STORING}`,
    "Replies with, or stores, the points within a distance of a place.",
    { deprecated: ["6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"] },
  ),
  "georadius_ro": doc(
    "3.2.10",
    SEARCH,
    `key longitude:double latitude:double radius:double ${UNIT} ${OLD_WITH}`,
    "Replies with the points within a distance of a place.",
    { deprecated: ["6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"] },
  ),
  "georadiusbymember": doc(
    "3.2.0",
    SEARCH,
    `key member radius:double ${UNIT} ${WITH} ${COUNT} ${ORDER} ${STORING}`,
    "Replies with, or stores, the points within a distance of another.",
    { deprecated: ["6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"] },
  ),
  "georadiusbymember_ro": doc(
    "3.2.10",
    SEARCH,
    `key member radius:double ${UNIT} ${WITH} ${COUNT} ${ORDER}`,
    "Replies with the points within a distance of another.",
    { deprecated: ["6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"] },
  ),
  "geosearch": doc(
    "6.2.0",
    SEARCH,
    `key ${FROM} ${BY} ${ORDER} ${COUNT} ${WITH}`,
    "Replies with the points within a circle or a box.",
  ),
  "geosearchstore": doc(
    "6.2.0",
    SEARCH,
    `destination:key source:key ${FROM} ${BY} ${ORDER} ${COUNT} [STOREDIST]`,
    "Stores the points within a circle or a box.",
  ),
});
