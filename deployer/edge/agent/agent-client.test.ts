import { createServer } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { systemClock } from "#platform/clock.ts";
import { listen } from "#platform/listen.ts";

import { CertificateFiles } from "./certificate-files.ts";
import { CONTROL_PLANE_FILES, makeCertificates } from "./make-certificates.ts";
import { RemoteEdge } from "./remote-edge.ts";

test("what is asked of all nodes does not wait for a machine that has been switched off", async () => {
  const folder = temporaryFolder();
  await makeCertificates(folder, ["lb1"], systemClock.nowMs());
  // It answers as little as one without power.
  const silent = createServer();
  const port = await listen(silent, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  onTestFinished(() => void silent.close());
  const files = new CertificateFiles(folder, CONTROL_PLANE_FILES);
  const edge = new RemoteEdge([{ node: "lb1", host: "127.0.0.1", port }], files, () => "template");
  onTestFinished(() => edge[Symbol.dispose]());
  await edge.serve([]);
  await expect(edge.driver.read("lb1", "web")).rejects.toThrow(/lb1: .*there is no connection/);
  expect((await edge.counts("web", 0)).blue.requests).toBe(0);
});
