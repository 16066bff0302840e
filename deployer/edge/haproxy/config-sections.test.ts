import { expect, test } from "vitest";

import { boundPaths, boundPorts } from "./bound-ports.ts";
import { sectionsOf } from "./config-sections.ts";

test("words are joined and escaped as HAProxy does, and comments are none", () => {
  const text = [
    "global # first",
    String.raw`  stats socket /a\ b/"c d"'e\' level admin`,
    '  "lua-l"oad x#y',
    "",
    "frontend web",
    "  # nothing",
  ].join("\n");
  expect(sectionsOf(text)).toMatchObject([
    {
      kind: "global",
      lines: [
        { number: 2, words: ["stats", "socket", String.raw`/a b/c de\ `.trim(), "level", "admin"] },
        { number: 3, words: ["lua-load", "x"] },
      ],
    },
    { kind: "frontend", name: "web", number: 5, lines: [] },
  ]);
});

test("ports are found in each form of an address", () => {
  const ports = (address: string): unknown[] =>
    boundPorts(`frontend f\n  bind ${address} ssl\n`).map(({ host, port }) => `${host} ${port}`);
  expect(ports(":80,127.0.0.1:81")).toEqual(["0.0.0.0 80", "127.0.0.1 81"]);
  expect(ports("*:8000-8002")).toEqual(["0.0.0.0 8000", "0.0.0.0 8001", "0.0.0.0 8002"]);
  expect(ports("[::1]:443,ipv4@10.0.0.1:9")).toEqual(["::1 443", "10.0.0.1 9"]);
  const paths = "/run/a.sock,unix@/b:1,abns@c,fd@3";
  expect(ports(paths)).toEqual([]);
  expect(boundPaths(`listen f\n  bind ${paths}`).map(({ path }) => path)).toEqual([
    "/run/a.sock",
    "/b:1",
  ]);
  const socket = "global\n  stats socket 127.0.0.1:9999 level admin\n";
  expect(boundPorts(socket)).toEqual([{ host: "127.0.0.1", port: 9999, line: 2 }]);
});
