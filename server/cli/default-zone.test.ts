import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ingestCommand } from "./ingest.ts";
import { queryCommand } from "./query.ts";
import { captureOutput } from "./testing-output.ts";

const LINES = [
  `192.0.2.7 - - [2026-03-14 10:11:12] "GET / HTTP/1.1" 200 5 "-" "x"`,
  "2026/03/14 10:11:12 [error] 12#34: *5 failed",
  `2026-03-14T10:11:12+02:00 edge-1 nginx[44]: 192.0.2.7 - - [2026-03-14 10:11:12] "GET / HTTP/1.1" 200 5 "-" "x"`,
];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "zone-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** The numbers of requests and of other events in the minute. */
async function countsAt(minute: string): Promise<number[]> {
  const range = ["--from", `2026-03-14T${minute}:00Z`, "--to", `2026-03-14T${minute}:59Z`];
  const counts = [];
  for (const [metric, dataset] of [
    ["requests", "nginx.access"],
    ["events", "nginx.error"],
  ] as const) {
    const data = path.join(folder, "data");
    const answer = await captureOutput().of(
      queryCommand,
      metric,
      ...range,
      "--dataset",
      dataset,
      "--json",
      "--data",
      data,
    );
    const { series } = JSON.parse(answer) as { series: { value: number | null }[] };
    counts.push(series[0]?.value ?? 0);
  }
  return counts;
}

test.each([
  ["TZ of the machine", { TZ: "Asia/Kolkata" }, "04:41"],
  [
    "the setting, if there is one",
    { TZ: "Asia/Kolkata", QUARTERDECK_TIMEZONE: "America/Caracas" },
    "14:11",
  ],
])(
  "times without a zone are in that of the syslog header, otherwise in that of %s",
  async (_name, env, minute) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const file = path.join(folder, "access.log");
    await writeFile(file, LINES.map((line) => `${line}\n`).join(""));
    await ingestCommand.run([file, "--data", path.join(folder, "data")]);
    expect(await countsAt(minute)).toEqual([1, 1]);
    expect(await countsAt("08:11")).toEqual([1, 0]);
  },
);
