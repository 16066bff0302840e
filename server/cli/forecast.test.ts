import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

import { describe, expect, test } from "vitest";
import { z } from "zod";

import { answerLine } from "./forecast.ts";

const values = Array.from({ length: 700 }, (_, t) => 100 + (t % 24) * 5 + (t % 7));
const task = {
  id: "web",
  freq_seconds: 3600,
  seasonalities: [24, 168],
  values,
  horizon: 12,
  levels: [80, 95],
};

const Numbers = z.array(z.number()).length(12);
const Band = z.object({ "80": Numbers, "95": Numbers });
const Bound = z.object({ "80": z.number(), "95": z.number() });
const Answer = z.object({
  id: z.literal("web"),
  model: z.string(),
  mean: Numbers,
  lower: Band,
  upper: Band,
  sum: z.object({ mean: z.number(), lower: Bound, upper: Bound }).optional(),
});

describe("a line of input", () => {
  test("with a task is answered with the forecast and its intervals", () => {
    const answer = Answer.parse(answerLine(JSON.stringify(task)));
    expect(answer.sum).toBeUndefined();
  });

  test("may request a sum of fewer steps than the horizon", () => {
    const sumOf = (steps: number) =>
      Answer.parse(answerLine(JSON.stringify({ ...task, sum_horizon: steps }))).sum?.mean ?? NaN;
    expect(sumOf(6)).toBeGreaterThan(600);
    expect(sumOf(12)).toBeGreaterThan(1.5 * sumOf(6));
  });

  test("with too little history is answered with the reason", () => {
    const answer = answerLine(JSON.stringify({ ...task, values: values.slice(0, 11) }));
    expect(answer).toEqual({ id: "web", error: "needs two full days of history, has 11 h" });
  });

  test.each([
    ["{", null, /not JSON/],
    ["[]", null, /expected object/],
    ['{"id":"a"}', "a", /freq_seconds: .*; seasonalities: /],
    [JSON.stringify({ ...task, id: "b", horizon: 1e9 }), "b", /horizon: /],
    [JSON.stringify({ ...task, id: "c", values: ["12"] }), "c", /values\.0: /],
    [JSON.stringify(task).replace("[100,", "[1e999,"), "web", /values\.0: /],
  ])("that is invalid is answered with its id and the mistake", (line, id, error) => {
    expect(answerLine(line)).toEqual({ id, error: expect.stringMatching(error) });
  });
});

test("each task is answered before the next one is sent, also after invalid lines, until the input ends", async () => {
  const run = `import { forecastCommand } from "#server/cli/forecast.ts";
    process.exitCode = await forecastCommand.run([]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", run], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  child.stdin.write(`${JSON.stringify(task)}\n`);
  const [first] = await once(child.stdout, "data");
  expect(String(first)).toMatch(/^\{"id":"web","model":/);
  const rest = text(child.stdout);
  child.stdin.end(`nonsense\n\n${JSON.stringify({ ...task, id: "last" })}`);
  const lines = (await rest).trim().split("\n");
  expect(
    lines.map((line) => z.object({ id: z.string().nullable() }).parse(JSON.parse(line)).id),
  ).toEqual([null, "last"]);
  expect(await ended).toEqual([0, null]);
});
