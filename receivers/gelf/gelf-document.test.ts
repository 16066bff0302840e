import { deflateSync, gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { decompressed } from "./decompress.ts";
import { gelfDocument } from "./gelf-document.ts";

const document = (message: unknown) => gelfDocument(Buffer.from(JSON.stringify(message)));

test("the fields of a GELF message have their ECS names, and additional ones are labels", () => {
  const message = {
    version: "1.1",
    host: "web-1",
    short_message: "Sign-in failed",
    full_message: "Sign-in failed\nat login.js:5",
    timestamp: 1385053862.3072,
    level: 3,
    _user: "ann",
    _attempts: 3,
    _container_name: "shop",
  };
  expect(document(message)).toEqual({
    document: {
      "@timestamp": "2013-11-21T17:11:02.307Z",
      message: "Sign-in failed\nat login.js:5",
      "host.name": "web-1",
      "log.level": "error",
      "log.syslog.severity.code": 3,
      "log.syslog.severity.name": "Error",
      "labels.user": "ann",
      "labels.attempts": "3",
      "container.name": "shop",
    },
  });
});

test("a full message that is not the short one with more is kept beside it", () => {
  const found = document({ short_message: "Failed", full_message: "Traceback" });
  expect(found).toEqual({ document: { message: "Failed", "labels.full_message": "Traceback" } });
});

test.each([
  ["text", "hello", "not a JSON object: the line does not begin with {"],
  ["JSON without a message", "{}", "not a GELF message: it has no short_message"],
])("%s is refused with the reason", (_name, text, reason) => {
  expect(gelfDocument(Buffer.from(text))).toEqual({ reason });
});

test("whatever JSON arrives, the document is written as JSON, and no name is special", () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom("___proto__", "_a", "timestamp", "level", "host"),
  );
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), (fields) => {
      const found = document({ ...fields, short_message: "m" });
      expect(() => JSON.stringify(found)).not.toThrow();
    }),
  );
  const text = '{"short_message":"m","___proto__":"x"}';
  const found = gelfDocument(Buffer.from(text));
  expect(JSON.stringify(found)).toBe('{"document":{"message":"m","labels.__proto__":"x"}}');
});

test("messages are decompressed by their first bytes", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      const message = Buffer.from(`{${text}`);
      for (const sent of [message, gzipSync(message), deflateSync(message)]) {
        expect(decompressed(sent, 1_000).toString()).toBe(`{${text}`);
      }
    }),
  );
});

test("a message that is larger than the limit when it is decompressed is refused, as a damaged one is", () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  expect(() => decompressed(bomb, 1_000_000)).toThrow("larger than 1000000 bytes");
  expect(() => decompressed(bomb.subarray(0, 100), 1_000_000)).toThrow("unexpected end of file");
});
