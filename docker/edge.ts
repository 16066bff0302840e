import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { TEMPLATES } from "#deployer/edge/edge-servers.ts";
import {
  ATTEMPTS_MAX,
  emptyConfig,
  NODE_PLACEHOLDERS,
  renderNode,
  renderRoutes,
  ROUTE_MAP,
} from "#deployer/edge/haproxy/render-node.ts";
import { parseTemplate } from "#deployer/edge/template.ts";
import { renderVcl, VCL_PLACEHOLDERS } from "#deployer/edge/varnish/render-vcl.ts";
import { apiWorkloads } from "#server/apis/workloads.ts";

/** Addresses in the networks of docker/compose.yaml. */
const HAPROXY = { "edge-1": "172.30.2.11:8100", "edge-2": "172.30.2.12:8100" };
const VARNISH = { "varnish-1": "172.30.2.21:8100", "varnish-2": "172.30.2.22:8100" };
const FIRST_TASK = 11;
const FIRST_PORT = 8101;
const RESPONSE_MS = 30_000;
const HEAD_MS = 10_000;
const SLACK_MS = 5_000;

/** node docker/edge.ts FOLDER RELEASE: the files of HAProxy and Varnish for docker/compose.yaml, where tasks have fixed addresses. */
async function main([folder, release]: readonly string[]): Promise<void> {
  if (folder === undefined || release === undefined) {
    throw new Error("node docker/edge.ts FOLDER RELEASE");
  }
  const workloads = apiWorkloads({ hasNginx: true }).map((it) => ({ ...it, slots: 1 }));
  const configs = new Map(
    workloads.map((workload, index) => {
      const { slots, ...empty } = emptyConfig(workload);
      const address = `172.30.3.${FIRST_TASK + index}:${workload.port}`;
      const releases = { blue: release, green: null };
      const blue = [{ address, state: "ready" as const }];
      return [workload.name, { ...empty, version: 1, releases, slots: { ...slots, blue } }];
    }),
  );
  const listen = Object.fromEntries(
    workloads.map(({ name }, index) => [name, `0.0.0.0:${FIRST_PORT + index}`]),
  );
  const template = parseTemplate(TEMPLATES.haproxy, NODE_PLACEHOLDERS);
  const common = { workloads, varnish: VARNISH, adminSocket: "/tmp/admin.sock" };
  const times = { responseMs: RESPONSE_MS, headMs: HEAD_MS };
  for (const [id, internal] of Object.entries(HAPROXY)) {
    // Nobody chooses the colour here: there is one.
    const state = { ...common, ...times, controlNetworks: ["127.0.0.0/8"], configs };
    const { text } = renderNode(template, { id, listen, internal }, state);
    await write(path.join(folder, id, "haproxy.cfg"), text);
    await write(path.join(folder, id, ROUTE_MAP), renderRoutes(configs));
  }
  const nodes = Object.entries(HAPROXY).map(([id, internal]) => ({
    id: id.replace("-", "_"),
    internal,
  }));
  const vcl = parseTemplate(TEMPLATES.varnish, VCL_PLACEHOLDERS);
  const allAttemptsMs = ATTEMPTS_MAX * RESPONSE_MS + SLACK_MS;
  await write(path.join(folder, "cache.vcl"), renderVcl(vcl, nodes, allAttemptsMs).text);
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

await main(process.argv.slice(2));
