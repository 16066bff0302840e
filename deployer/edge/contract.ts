import { afterAll, beforeAll, describe } from "vitest";

import { testConfiguration } from "./testing/configuration-suite.ts";
import { testDeploys } from "./testing/deploys-suite.ts";
import { testDraining } from "./testing/draining-suite.ts";
import { testFailures } from "./testing/failures-suite.ts";
import { testHostileRequests } from "./testing/hostile-suite.ts";
import { testHttp } from "./testing/http-suite.ts";
import { testNodes } from "./testing/nodes-suite.ts";
import { testRouting } from "./testing/routing-suite.ts";
import { testMoreSlots } from "./testing/slots-suite.ts";
import { EdgeWorld, type TestEdge } from "./testing/world.ts";

export type EdgeCapabilities = {
  /** Whether a node that was started again sends nothing to slots that it has not checked yet. */
  verifiesAtStart: boolean;
};

/**
 * Contract of every edge: real nodes with the settings of `TEST_EDGE`, and real tasks behind them. The tests of a file
 * share one edge, so that it is opened once; each begins by bringing it into the state that it needs.
 */
export function testEdge(open: () => Promise<TestEdge>, capabilities: EdgeCapabilities): void {
  let world: EdgeWorld | undefined;
  beforeAll(async () => {
    world = new EdgeWorld(await open());
  });
  afterAll(() => world?.close());
  const shared = (): EdgeWorld => {
    if (world === undefined) throw new Error("the edge was not opened");
    return world;
  };
  describe("configuration", () => testConfiguration(shared));
  describe("routing", () => testRouting(shared));
  describe("draining", () => testDraining(shared));
  describe("deploys", () => testDeploys(shared));
  describe("failing tasks", () => testFailures(shared));
  describe("nodes", () => testNodes(shared, capabilities));
  describe("HTTP", () => testHttp(shared));
  describe("hostile requests", () => testHostileRequests(shared));
  // The last, as those before expect the slots of `TEST_EDGE`.
  describe("more slots", () => testMoreSlots(shared));
}
