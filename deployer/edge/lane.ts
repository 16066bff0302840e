import type { Colour } from "../drivers.ts";

/** The cookie whose value decides the lane of a client, so that it keeps its colour while the split grows. */
export const STICKY_COOKIE = "sid";
/** The colour that serves a request. Set by the edge: what a client sends is removed. */
export const LANE_HEADER = "x-lane";
/** The release of that colour, likewise. */
export const RELEASE_HEADER = "x-release";
/** Chooses the colour. Only clients in the control networks may send it. */
export const PREVIEW_HEADER = "x-preview-lane";
/** With this header a request may be sent again, whatever its method. */
export const KEY_HEADER = "idempotency-key";

export const WHOLE_BP = 10_000;

/**
 * The place of a session in the split, from 0 to 9,999: it gets the next colour when its place is below the split.
 * HAProxy computes the same with `xxh32(0),mod(10000)`, so that all edges agree.
 */
export const placeOfSession = (session: string): number =>
  xxh32(Buffer.from(session, "latin1")) % WHOLE_BP;

export const isColour = (text: string | undefined): text is Colour =>
  text === "blue" || text === "green";

const P1 = 2_654_435_761;
const P2 = 2_246_822_519;
const P3 = 3_266_489_917;
const P4 = 668_265_263;
const P5 = 374_761_393;
const LANE_BYTES = 4;
const STRIPE_BYTES = 16;

/** XXH32 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). */
function xxh32(bytes: Buffer): number {
  let at = 0;
  let hash: number = P5;
  if (bytes.length >= STRIPE_BYTES) {
    const sums = [(P1 + P2) | 0, P2 | 0, 0, -P1 | 0];
    for (; at <= bytes.length - STRIPE_BYTES; at += STRIPE_BYTES) {
      for (let lane = 0; lane < sums.length; lane += 1) {
        const input = Math.imul(bytes.readInt32LE(at + LANE_BYTES * lane), P2);
        sums[lane] = Math.imul(rotate(((sums[lane] ?? 0) + input) | 0, 13), P1);
      }
    }
    const [a = 0, b = 0, c = 0, d = 0] = sums;
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + bytes.length) | 0;
  for (; at <= bytes.length - LANE_BYTES; at += LANE_BYTES) {
    hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(at), P3)) | 0, 17), P4);
  }
  for (; at < bytes.length; at += 1) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, P5)) | 0, 11), P1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), P2);
  hash = Math.imul(hash ^ (hash >>> 13), P3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
