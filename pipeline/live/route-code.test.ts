import * as fc from "fast-check";
import { expect, test } from "vitest";

import { BUCKET_MAX, BUCKET_MIN, NO_BUCKET } from "../sketches/latency-sketch.ts";
import { bucketOfCode, isErrorCode, outcomeOf, routeCode, routeOf } from "./route-code.ts";

const response = fc.record({
  route: fc.nat({ max: 2 ** 21 - 1 }),
  isError: fc.boolean(),
  bucket: fc.oneof(fc.integer({ min: BUCKET_MIN, max: BUCKET_MAX }), fc.constant(NO_BUCKET)),
});

test("a route code can be unpacked to its route, error and latency bucket", () => {
  fc.assert(
    fc.property(response, ({ route, isError, bucket }) => {
      const code = routeCode(route, isError, bucket);
      expect(Uint32Array.of(code)[0]).toBe(code);
      expect(routeOf(code)).toBe(route);
      for (const one of [code, outcomeOf(code)]) {
        expect(isErrorCode(one)).toBe(isError);
        expect(bucketOfCode(one)).toBe(bucket);
      }
    }),
  );
});
