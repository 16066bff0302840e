import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { openWorkloads } from "./all-workloads.ts";

const open = (data: string, env: Record<string, string> = {}) =>
  openWorkloads(data, {
    env,
    edgeHost: "127.0.0.1",
    edgePort: 4_610,
    followsDemo: false,
    ecs: undefined,
  });

test("a domain API runs from the folder of its release, else from this installation, with its secrets in files", () => {
  const data = temporaryFolder();
  const env = { DATABASE_URL: "postgres://user:hunter2@db/quarterdeck", API_WORKERS: "7" };
  const billing = open(data, env).find("billing");
  expect(billing.edgePort).toBe(4_612);
  expect(existsSync(path.join(billing.programsOf("r2"), "bin/cli.mjs"))).toBe(true);
  const released = path.join(data, "releases", "r3");
  mkdirSync(released, { recursive: true });
  expect(billing.programsOf("r3")).toBe(released);
  const environment = billing.environmentOf("r2");
  expect(environment).toMatchObject({ API_RELEASE: "r2", API_WORKERS: "1" });
  expect(JSON.stringify(environment)).not.toContain("hunter2");
  const file = environment["DATABASE_URL_FILE"] ?? "";
  expect(readFileSync(file, "utf8").trim()).toBe(env.DATABASE_URL);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test.each([
  ["workloads:\n  - name: Shop", /line 2: workloads\.0\.name: give 1 to 40 of a-z/],
  ["workloads:\n  - name: shop\n    port: 8080", /workloads\.0\.command/],
  ["workloads: {", /workloads\.yaml: line/],
  [
    "workloads:\n  - {name: billing, command: [a], port: 1, releases: x}",
    /two workloads named billing/,
  ],
])("a mistake in workloads.yaml is named with its line: %j", (text, message) => {
  const data = temporaryFolder();
  writeFileSync(path.join(data, "workloads.yaml"), text);
  expect(() => open(data)).toThrow(message);
});
