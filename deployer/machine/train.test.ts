import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Deploy } from "./deploy.ts";
import { signalOf, Train } from "./train.ts";

const trainOf = (cars: Record<string, string[]>) => ({
  id: "train_1",
  version: 1,
  name: "November",
  createdBy: "ana",
  createdAtMs: 1,
  cars: Object.entries(cars).map(([workload, after]) => {
    return { workload, after, deploy: `dep_${workload}` };
  }),
});

test.each([
  [{ a: ["b"] }, ["cars.0.after: b is not in this train"]],
  [{ a: ["a"] }, ["cars.0.after: a waits for itself through a"]],
  [
    { a: [], b: ["c"], c: ["b"] },
    ["cars.1.after: b waits for itself through c", "cars.2.after: c waits for itself through b"],
  ],
])("a train %j is refused", (cars, problems) => {
  const { error } = Train.safeParse(trainOf(cars));
  expect(error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)).toEqual(
    problems,
  );
});

test("a workload is in a train once", () => {
  const train = trainOf({ a: [] });
  const { error } = Train.safeParse({ ...train, cars: [...train.cars, ...train.cars] });
  expect(error?.issues[0]?.message).toBe("a is listed twice");
});

test("a train whose cars depend on earlier ones in any order is accepted", () => {
  const anyOrder = fc.shuffledSubarray(["a", "b", "c", "d", "e"], { minLength: 1 });
  const anyTrain = anyOrder.chain((names) =>
    fc.tuple(
      fc.constant(names),
      fc.tuple(...names.map((_name, index) => fc.subarray(names.slice(0, index)))),
    ),
  );
  fc.assert(
    fc.property(anyTrain, ([names, afters]) => {
      const cars = Object.fromEntries(names.map((name, index) => [name, afters[index] ?? []]));
      expect(Train.safeParse(trainOf(cars)).success).toBe(true);
    }),
  );
});

test.each([
  ["succeeded", "go"],
  ["shifting", "wait"],
  ["queued", "wait"],
  ["rolled-back", "cancel"],
  ["failed", "cancel"],
] as const)("after a deploy that is %s: %s", (state, signal) => {
  const train = Train.parse(trainOf({ a: [], b: ["a"] }));
  const deploy = (workload: string, of: Deploy["state"]) =>
    ({ id: `dep_${workload}`, workload, state: of }) as Deploy;
  const deploys = new Map([["dep_a", deploy("a", state)]]);
  expect(signalOf(train, deploy("b", "queued"), deploys).signal).toBe(signal);
  expect(signalOf(train, deploy("a", "queued"), deploys).signal).toBe("go");
});
