import { expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { makeCertificates } from "#deployer/edge/agent/make-certificates.ts";
import { systemClock } from "#platform/clock.ts";
import { silentLog } from "#platform/log.ts";

import { forgetNode } from "./known-nodes.ts";
import { authorityFolder, openRemoteEdge } from "./remote-edge.ts";

const NODES = ["lb1", "lb2"].map((node) => ({ node, host: "127.0.0.1", port: 1 }));

test("a node that is not listed any more is waited for until somebody says that it is gone", async () => {
  const dataFolder = temporaryFolder();
  await makeCertificates(authorityFolder(dataFolder), ["lb1", "lb2"], systemClock.nowMs());
  const open = (nodes: typeof NODES) => {
    const edge = openRemoteEdge({ dataFolder, nodes, portOf: () => 80 }, silentLog());
    onTestFinished(() => edge.close("keep"));
    return edge;
  };
  open(NODES);
  const edge = open(NODES.slice(0, 1));
  expect(await edge.driver.nodes()).toEqual([
    { id: "lb1", retired: false },
    { id: "lb2", retired: false },
  ]);
  await edge.start([{ name: "web", port: 80, slotsPerColour: 2, checkPath: "/" }]);
  expect(await edge.notesOf("lb2")).toEqual([
    expect.stringMatching(/still serves.* cannot be reached: if it runs, it serves with its last/),
    expect.stringContaining("edge-agent forget lb2"),
  ]);
  expect(await edge.notesOf("lb1")).toEqual([]);
  // Nobody is sent there any more.
  expect(edge.urlsOf("web")).toHaveLength(1);
  // But it serves still.
  expect(edge.urlOf("lb2", "web")).toBe("http://127.0.0.1:80");
  forgetNode(dataFolder, "lb2");
  expect(await edge.driver.nodes()).toEqual([
    { id: "lb1", retired: false },
    { id: "lb2", retired: true },
  ]);
  expect(await open(NODES.slice(0, 1)).driver.nodes()).toHaveLength(1);
  expect(() => forgetNode(dataFolder, "lb3")).toThrow(/no edge node lb3. The nodes are lb1/);
});
