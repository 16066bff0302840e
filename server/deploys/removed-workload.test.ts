import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { expect, test } from "vitest";

import { StartRequest } from "#dashboards/deploys/requests.ts";

import { temporaryFolder } from "../../tests/harness/program.ts";
import { testDeploys } from "./testing-deploys.ts";

const FILE = `
workloads:
  - name: web
    command: [node, server.mjs]
    port: 8080
    releases: releases
`;

test("a deploy whose workload was removed from the file is shown with what to do", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "workloads.yaml");
  await writeFile(file, FILE);
  await mkdir(path.join(folder.path, "releases", "r1"), { recursive: true });
  const before = await testDeploys(folder.path);
  const request = StartRequest.parse({ workload: "web", release: "r1", reason: "a test" });
  const { id } = await before.ask("start", { ...request, actor: "ana" });
  await before.stop();

  await rm(file);
  const deploys = await testDeploys(folder.path);
  try {
    const detail = await deploys.ask("deploy", { id });
    expect(detail).toMatchObject({
      deploy: { id, outcome: null },
      waitsFor: expect.stringMatching(/^web is not in workloads\.yaml any more.*describe it there/),
    });
    await expect(
      deploys.ask("command", { id, kind: "abort", reason: "it is gone", actor: "ana" }),
    ).rejects.toMatchObject({ code: "conflict", message: detail.waitsFor });
    const { deploys: listed } = await deploys.ask("list", { workload: "web", limit: 20 });
    expect(listed.map((it) => it.id)).toEqual([id]);
    await expect(deploys.ask("list", { workload: "webb", limit: 20 })).rejects.toMatchObject({
      code: "not_found",
    });
  } finally {
    await deploys.stop();
  }
});
