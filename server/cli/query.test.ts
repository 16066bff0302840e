import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

import { ingestCommand } from "./ingest.ts";
import { queryCommand } from "./query.ts";
import { captureOutput } from "./testing-output.ts";

const LINES = String.raw`203.0.113.5 - - [14/Mar/2026:10:11:00 +0000] "GET /a HTTP/1.1" 500 100 "-" "curl/8"
203.0.113.77 - - [14/Mar/2026:10:11:01 +0000] "GET /b HTTP/1.1" 502 100 "-" "Googlebot/2.1"
198.51.100.9 - - [14/Mar/2026:10:11:02 +0000] "GET /c_d HTTP/1.1" 200 2000000 "-" "Mozilla/5.0"
2001:db8::9 - - [14/Mar/2026:10:11:03 +0000] "GET /cxd HTTP/1.1" 404 10 "-" "Mozilla/5.0 OR not"
203.0.113.5 - - [14/Mar/2026:10:11:04 +0000] "GET /100%25/off?token=abc HTTP/1.1" 200 10 "-" "x"
`;
/** More paths than the store returns at once. */
const MANY = 1_200;
const manyLines = (): string =>
  Array.from(
    { length: MANY },
    (_, i) =>
      `192.0.2.1 - - [15/Mar/2026:10:11:00 +0000] "GET /p/${i} HTTP/1.1" 200 10 "-" "curl/8"\n`,
  ).join("");

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quarterdeck query "));
  for (const [name, text] of [
    ["access.log", LINES],
    ["many.log", manyLines()],
  ] as const) {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await ingestCommand.run([file, "--data", path.join(folder, "data")]);
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const FIRST_DAY = ["--from", "2026-03-14", "--to", "2026-03-15"];
const query = (...args: string[]): Promise<string> =>
  captureOutput().of(queryCommand, ...args, "--data", path.join(folder, "data"));
const countOf = async (where: string): Promise<number> => {
  const answer = await query("requests", "--where", where, ...FIRST_DAY, "--json");
  const { series } = JSON.parse(answer) as { series: { value: number }[] };
  return series[0]?.value ?? 0;
};

test.each([
  ["203.0.113.5", 2],
  ["GET", 5],
  ['"GET /a"', 1],
  ["HTTP/1.1", 5],
  ["status:500 OR status:502", 2],
  ["status:500 AND method:GET", 1],
  ["NOT status:200", 3],
  ["ip:203.0.113.0/24", 3],
  ["ip:2001:db8::/32", 1],
  ["-curl", 4],
  ["status:(500 OR 404) (GET OR POST)", 2],
  ["bytes:[10 TO 100]", 4],
  ["@timestamp:2026-03-14T10:11:02Z", 1],
  ["2001:db8::9", 1],
])("--where %s finds the events of the log", async (where, events) => {
  expect(await countOf(where)).toBe(events);
});

test("a mistake in --where is shown with the text, the place and the nearest name", async () => {
  const refused = query("requests", "--where", "GET statsu:500");
  await expect(refused).rejects.toThrow(
    /^--where: column 5: there is no field statsu: did you mean status\?.*\n {2}GET statsu:500\n {6}\^$/,
  );
  await expect(query("requests", "--where", "status:5oo")).rejects.toThrow(
    / {2}status:5oo\n {9}\^$/,
  );
  await expect(query("requests", "--by", "rute")).rejects.toThrow("did you mean route?");
});

test("a value of --where that occurs only in another case is named", async () => {
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => stderr.mockRestore());
  expect(await countOf("method:get")).toBe(0);
  expect(stderr.mock.calls.map(([text]) => text)).toEqual([
    'quarterdeck: --where: no event in this range has http.request.method "get": did you mean "GET"? Upper and lower case differ.\n',
  ]);
});

test("--by says how many groups there are beyond those that are shown", async () => {
  const paths = await query("requests", "--by", "path", "--limit", "2", ...FIRST_DAY);
  expect(paths).toMatch(/… and 3 more groups: --limit 5 shows 5 groups\n$/);
  const json = await query("requests", "--by", "path", "--limit", "2", ...FIRST_DAY, "--json");
  expect(JSON.parse(json)).toMatchObject({ more: { series: 3, precision: "exact" } });
  expect(await query("requests", "--by", "path", ...FIRST_DAY)).not.toContain("more");
  const all = await query("requests", "--by", "path");
  const [, more = ""] = /… and about ([\d,]+) more groups/.exec(all) ?? [];
  const total = Number(more.replace(",", "")) + 10;
  expect(Math.abs(total - MANY - 5)).toBeLessThan(0.02 * MANY);
});

test("a count over a range in the future is unknown, and what to do is printed", async () => {
  const ahead = ["--from", "now+1h", "--to", "now+3h"];
  expect(await query("requests", ...ahead)).toBe(
    "no data yet: the range is in the future. Choose an earlier --from, or query what is predicted, such as predicted_requests_per_second\n",
  );
  expect(JSON.parse(await query("requests", "--json", ...ahead))).toMatchObject({
    series: [{ key: null, value: null }],
  });
});
