import { describe } from "vitest";

import { testEdge } from "../contract.ts";
import { programForTests } from "../haproxy/testing-haproxy.ts";
import { openTestAgents } from "./testing-agent.ts";

// As without agents: HAProxy 2.6 sends requests to slots that were ready before it started until their first check has failed.
describe.skipIf(programForTests("haproxy") === undefined)("nodes behind agents", () =>
  testEdge(openTestAgents, { verifiesAtStart: false }),
);
