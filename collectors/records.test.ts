import * as fc from "fast-check";
import { expect, test } from "vitest";

import { eachLine } from "./lines.ts";
import { recordsIn } from "./records.ts";

const textsOf = (line: string): string[] | undefined => {
  const bytes = Buffer.from(`x${line}y`);
  const records = recordsIn(bytes, 1, bytes.length - 1);
  return records?.map(({ start, end }) => bytes.subarray(start, end).toString());
};

test("each record is a range, byte for byte, whatever it contains", () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(fc.array(record), fc.constantFrom("", " ", "\t"), (records, space) => {
      const line = `{${space}"Records":${space}[${records.join(`${space},`)}${space}]${space}}`;
      expect(textsOf(line)).toEqual(records);
    }),
  );
});

test("what is cut, or no record, is kept as the last range", () => {
  expect(textsOf('{"Records":[{"a":1},{"b":"}')).toEqual(['{"a":1}', '{"b":"}']);
  expect(textsOf('{"Records":[{"a":1},7]}')).toEqual(['{"a":1}', "7]}"]);
  expect(textsOf('{"Records":[{"a":1}],"more":2}')).toEqual(['{"a":1}', '],"more":2}']);
});

test.each(['{"records":[{}]}', '{"Records":{}}', '{"Record', "{", '["Records"]', ""])(
  "other lines are left as they are: %s",
  (line) => expect(textsOf(line)).toBeUndefined(),
);

test("no byte of a line is lost, except for what separates and ends records", () => {
  const parts = fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", " ", "a", '{"a":1}');
  const contentOf = (text: string): string => text.replaceAll(/[\s,\]}]/g, "");
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 40 }), (rest) => {
      const kept = (textsOf(`{"Records":[${rest.join("")}`) ?? []).join("");
      expect(contentOf(kept)).toBe(contentOf(rest.join("")));
    }),
    { numRuns: 1000 },
  );
});

test("the lines of a chunk are its records", () => {
  const bytes = Buffer.from('a\n{"Records":[{"n":1},{"n":2}]}\r\nb\n');
  const lines: string[] = [];
  eachLine({ bytes }, (start, end) => lines.push(bytes.subarray(start, end).toString()));
  expect(lines).toEqual(["a", '{"n":1}', '{"n":2}', "b"]);
});

const subscription = (type: string, events: readonly string[]): string =>
  `{"messageType":"${type}","owner":"111122223333","logGroup":"/ecs/shop","logStream":"web/1","subscriptionFilters":["all"],"logEvents":[${events.join(",")}]}`;

test("the events of a subscription have its account, group and stream, also of several without line ends", () => {
  const line = [
    subscription("DATA_MESSAGE", ['{"id":"1"}', '{"id":"2"}']),
    subscription("CONTROL_MESSAGE", ['{"id":"","message":"CWL CONTROL MESSAGE"}']),
    subscription("DATA_MESSAGE", ['{"id":"3"}']),
    "rest",
  ].join("");
  const bytes = Buffer.from(line);
  const records = recordsIn(bytes, 0, bytes.length);
  expect(textsOf(line)).toEqual(['{"id":"1"}', '{"id":"2"}', '{"id":"3"}', "rest"]);
  expect(records?.map(({ common }) => common?.["aws.cloudwatch.log_stream"])).toEqual([
    "web/1",
    "web/1",
    "web/1",
    undefined,
  ]);
});
