import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

import { expect, test } from "vitest";

import { type AppError } from "../errors.ts";
import { BodyBudget } from "./body-budget.ts";

const MB = 1024 * 1024;
const ROUND_MS = 6_000;

function budgetOf(bytesMax: number) {
  const time = { nowMs: 0 };
  const budget = new BodyBudget(bytesMax, () => time.nowMs);
  const ended: string[] = [];
  const begin = (name: string): IncomingMessage => {
    const incoming = new IncomingMessage(new Socket());
    budget.begin(incoming, ({ code }: AppError) => ended.push(`${name} ${code}`));
    return incoming;
  };
  return { budget, time, ended, begin };
}

test("a body that does not fit is refused with the time of a retry, and fits when others are done", () => {
  const { budget, begin } = budgetOf(40 * MB);
  const [first, second, third] = [begin("first"), begin("second"), begin("third")];
  budget.add(first, 20 * MB);
  budget.add(second, 10 * MB);
  const refused = expect(() => budget.add(third, 2 * MB));
  refused.toThrow(expect.objectContaining({ code: "unavailable", waitMs: 1_000 }));
  expect(budget.holds(third)).toBe(false);
  budget.release(first);
  const again = begin("again");
  budget.add(again, 20 * MB);
  expect(budget.holds(again)).toBe(true);
});

test("large bodies leave room for small ones", () => {
  const { budget, begin } = budgetOf(40 * MB);
  budget.add(begin("large"), 30 * MB);
  expect(() => budget.add(begin("large"), 2 * MB)).toThrow("later");
  for (let i = 0; i < 10; i += 1) budget.add(begin("small"), MB);
  expect(() => budget.add(begin("small"), MB)).toThrow("later");
});

test("a slow body is ended when others need its memory, not before, and not when it is complete", () => {
  const { budget, time, ended, begin } = budgetOf(40 * MB);
  const [slow, steady, complete] = [begin("slow"), begin("steady"), begin("complete")];
  for (const incoming of [slow, steady, complete]) budget.add(incoming, 8 * MB);
  budget.complete(complete);
  for (let round = 0; round < 3; round += 1) {
    time.nowMs += ROUND_MS;
    budget.add(slow, 1);
    budget.add(steady, 100_000);
  }
  expect(ended).toEqual([]);
  budget.add(begin("other"), 9 * MB);
  expect(ended).toEqual(["slow unavailable"]);
});
