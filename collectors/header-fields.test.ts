import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Batch } from "./batch.ts";
import { toDocument } from "./document.ts";
import { fillFields } from "./header-fields.ts";

test("header fields are in every row of its lines, and a line's own fields take precedence", () => {
  const batch = new Batch(4);
  for (let row = 0; row < 4; row += 1) {
    batch.text("message").putText(row, `line ${row}`);
    batch.commit();
  }
  batch.text("host.name").putText(2, "own");
  batch.number("source.port").put(1, 1);
  batch.text("fields_json").putText(1, '{"log.syslog.priority":1,"own":[true]}');
  const fields = {
    "host.name": "web-1",
    "source.port": "514",
    "log.syslog.priority": "13",
    "user.name": "",
    fields_json: "{",
  };
  fillFields(batch, fields, { from: 1, to: 4 });
  const filled = { "host.name": "web-1", "source.port": 514, "log.syslog.priority": "13" };
  expect([0, 1, 2, 3].map((row) => ({ ...toDocument(batch, row) }))).toEqual([
    { message: "line 0" },
    { message: "line 1", ...filled, "source.port": 1, "log.syslog.priority": 1, own: [true] },
    { message: "line 2", ...filled, "host.name": "own" },
    { message: "line 3", ...filled },
  ]);
});

test("all names and values are kept unchanged", () => {
  const name = fc.string({ unit: "binary", maxLength: 8 }).map((it) => `x.${it}`);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ minLength: 1 })), (fields) => {
      const batch = new Batch(1);
      batch.commit();
      fillFields(batch, fields, { from: 0, to: 1 });
      expect({ ...toDocument(batch, 0) }).toEqual({ ...fields });
    }),
  );
});
