import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { addressOf, parseAddress, parseRoute, routeValue } from "./render-node.ts";

const colour = fc.constantFrom("blue", "green");
const servers = fc.constantFrom("", "s2", "s1.s3");
const release = fc.option(fc.stringMatching(/^[\w.+:/@-]{1,40}$/));

describe("what a node has in its map", () => {
  test("any route and version is read as it was written", () => {
    const row = fc.record({
      version: fc.nat(),
      route: fc.record({
        live: colour,
        next: colour,
        splitBp: fc.integer({ min: 0, max: 10_000 }),
      }),
      releases: fc.record({ blue: release, green: release }),
      admitted: fc.record({ blue: servers, green: servers }),
    });
    fc.assert(
      fc.property(row, (it) => {
        expect(parseRoute(routeValue(it))).toEqual(it);
      }),
    );
  });

  test.each(["", "blue|green", "blue|pink|0|||1", "blue|green|x|||1", "blue|green|0|||-1"])(
    "%j is refused",
    (value) => {
      expect(() => parseRoute(value)).toThrow(/cannot be read/);
    },
  );
});

describe("addresses", () => {
  test("any address of a task is read as HAProxy reports it", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_534 }), (ip, port) => {
        const text = ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
        const parsed = parseAddress(text);
        expect(parsed && addressOf(parsed)).toBe(text);
      }),
    );
  });

  test.each([
    "",
    "host:80",
    "10.0.0.1",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "fd00::1:80",
    "[10.0.0.1]:80",
    "10.0.0.1:80 x",
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});
