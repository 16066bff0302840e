import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";

import { REDACTED, redact } from "./redact.ts";

const secret = z.string().meta({ secret: true });

test("only fields marked as secret are replaced, at any depth", () => {
  const schema = z.object({
    id: z.string(),
    token: secret,
    maybe: secret.optional(),
    none: secret.nullable(),
    list: z.array(z.object({ to: secret, count: z.number() })),
    map: z.record(z.string(), z.object({ key: secret })),
    either: z.union([z.object({ link: secret }), z.string()]),
  });
  const value = {
    id: "1",
    token: "t",
    maybe: "m",
    none: null,
    list: [{ to: "x", count: 1 }],
    map: { a: { key: "k" } },
    either: { link: "l" },
  };
  expect(redact(schema, value)).toEqual({
    id: "1",
    token: REDACTED,
    maybe: REDACTED,
    none: REDACTED,
    list: [{ to: REDACTED, count: 1 }],
    map: { a: { key: REDACTED } },
    either: { link: REDACTED },
  });
});

test("fields that are not in the schema are replaced", () => {
  expect(redact(z.object({ id: z.string() }), { id: "1", password: "p" })).toEqual({
    id: "1",
    password: REDACTED,
  });
});

test("no secret text is ever shown, in any structure", () => {
  const schema = z.object({ secrets: z.array(z.union([z.object({ a: secret }), z.null()])) });
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.constant("s3cr3t-text")), (other, secrets) => {
      const value = { other: [other, "s3cr3t-text"], secrets: secrets.map((a) => ({ a, b: a })) };
      expect(JSON.stringify(redact(schema, value))).not.toContain("s3cr3t-text");
    }),
  );
});
