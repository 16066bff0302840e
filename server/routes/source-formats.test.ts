import { expect, test } from "vitest";

import { verdictsOn } from "#collectors/verdicts.ts";

import { workspaceWith } from "../sources/testing-sources.ts";
import { sourceFormatsRoute } from "./source-formats.ts";

const RAW =
  '192.0.2.7 - - [14/Mar/2026:10:11:12 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Mozilla/5.0"';

test("the formats that read a line come first, and each other one has its reason", () => {
  const verdicts = verdictsOn(Buffer.from(RAW));
  const reading = verdicts.filter(({ reason }) => reason === undefined);
  expect(reading[0]?.dataset).toBe("nginx.access");
  expect(verdicts.slice(0, reading.length)).toEqual(reading);
  const haproxy = verdicts.find(({ dataset }) => dataset === "haproxy.log");
  expect(haproxy?.reason).toMatch(/\w/);
});

test("only the last line of an opened source is tried", async () => {
  const lastLines = [{ source: "web", path: "/a.log", raw: RAW, fields: {} }];
  const route = sourceFormatsRoute({ workspace: () => workspaceWith({ lastLines }) });
  const asked = (source: string) => route.handle({ query: { source } } as never);
  expect(await asked("web")).toMatchObject({ status: 200, body: { line: RAW } });
  expect(() => asked("other")).toThrow("No line of this source is known now");
});
