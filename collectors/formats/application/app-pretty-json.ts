import type { Format } from "#collectors/format.ts";

import { CLOSE_BRACE, OPEN_BRACE, SPACE } from "../bytes.ts";
import { openJsonFields } from "../json-fields.ts";
import { putApplicationFields } from "./fields.ts";
import { APPLICATION_TRAITS } from "./traits.ts";

const TAB = 0x09;
const LF = 0x0a;

/**
 * JSON objects that are written over several lines, with a brace alone in the first one, as by log4j2's JsonLayout. It is not
 * part of `app.json`, whose lines need not wait for the next one.
 */
export const appPrettyJson: Format = {
  dataset: "app.pretty_json",
  title: "application log as JSON objects of several lines",
  requests: "mixed",
  isGeneric: true,
  traits: APPLICATION_TRAITS,
  open(batch, context) {
    const scan = openJsonFields(batch, context, (fields, row) => putApplicationFields(row, fields));
    return (bytes, start, end) => {
      if (isBrace(bytes, start, end)) {
        // An object of which nothing else was read.
        batch.text("message").put(batch.rows, bytes, start, end);
        return undefined;
      }
      return bytes[start + 1] === LF
        ? scan(bytes, start, end)
        : "not a JSON object of several lines: it does not begin with a brace alone";
    };
  },
  begins: isBrace,
  continues: (bytes, start) =>
    bytes[start] === SPACE || bytes[start] === TAB || bytes[start] === CLOSE_BRACE,
};

function isBrace(bytes: Uint8Array, start: number, end: number): boolean {
  return end === start + 1 && bytes[start] === OPEN_BRACE;
}
