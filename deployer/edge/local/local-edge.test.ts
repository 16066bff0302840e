import { describe } from "vitest";

import { testEdge } from "../contract.ts";
import { openTestLocalEdge } from "./testing.ts";

describe("the local edge", () => testEdge(openTestLocalEdge, { verifiesAtStart: true }));
