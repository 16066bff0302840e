import { z } from "zod";

import type { SettingGroup } from "#platform/settings/settings.ts";

import { NODE_NAME } from "./agent/names.ts";

/** Where the edge of a machine serves. */
const placeSettings = {
  edgeHost: {
    variable: "QUARTERDECK_EDGE_HOST",
    schema: z.string().regex(/^[\w.:-]+$/, { error: "give an IP address or a host name" }),
    default: "127.0.0.1",
    description:
      "Address at which the edge serves workloads that were deployed. The default accepts connections from this machine only.",
  },
  edgePort: {
    variable: "QUARTERDECK_EDGE_PORT",
    schema: z
      .string()
      .regex(/^\d{1,5}$/, { error: "give a port from 1 to 65000" })
      .transform(Number)
      .pipe(z.number().min(1).max(65_000, { error: "give a port from 1 to 65000" })),
    default: "4610",
    description:
      "The edge serves accounts, billing, management, logging and reporting at the next five ports after this one, and then the workloads of workloads.yaml. With haproxy, the second node serves them 20 ports above, and the four ports from 40 above it are used inside.",
  },
} satisfies SettingGroup;

const AgentAddress = z.string().transform((text, context) => {
  const [, node = "", host = "", port = ""] =
    /^([\w-]+)=(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text.trim()) ?? [];
  const isValid = NODE_NAME.test(node) && Number(port) > 0 && Number(port) < 65_536;
  if (!isValid) {
    const message = `give nodes as name=host:port, such as lb1=10.0.0.5:4690, not "${text}"`;
    context.addIssue({ code: "custom", message });
  }
  return { node, host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
});

/** What the role that deploys needs to know about the edge. */
export const edgeSettings = {
  edge: {
    variable: "QUARTERDECK_EDGE",
    schema: z.enum(["local", "haproxy", "remote"], { error: "give local, haproxy or remote" }),
    default: "local",
    description:
      "What stands in front of workloads that were deployed. local: a proxy that needs no other program. haproxy: two HAProxy and two Varnish, which must be installed. remote: the nodes of QUARTERDECK_EDGE_NODES.",
  },
  ...placeSettings,
  edgeNodes: {
    variable: "QUARTERDECK_EDGE_NODES",
    schema: z
      .string()
      .transform((text) => text.split(",").filter((it) => it.trim() !== ""))
      .pipe(z.array(AgentAddress).max(50))
      .refine((nodes) => new Set(nodes.map(({ node }) => node)).size === nodes.length, {
        error: "give each node once",
      }),
    default: "",
    description:
      "With QUARTERDECK_EDGE=remote, the edge nodes on other machines and where their agents (quarterdeck role edge-agent) are, such as lb1=10.0.0.5:4690,lb2=10.0.0.6:4690.",
  },
} satisfies SettingGroup;

/** What an edge agent needs to know, on the machine of its node. */
export const agentSettings = {
  ...placeSettings,
  agentListen: {
    variable: "QUARTERDECK_EDGE_AGENT",
    schema: z
      .string()
      .regex(/^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/, { error: "give host:port" })
      .transform((text) => {
        const at = text.lastIndexOf(":");
        return {
          host: text.slice(0, at).replace(/^\[|\]$/g, ""),
          port: Number(text.slice(at + 1)),
        };
      }),
    default: "127.0.0.1:4690",
    description:
      "Where an edge agent listens for the control plane, by TLS with certificates of both ends (quarterdeck edge-agent certificates).",
  },
  agentNetworks: {
    variable: "QUARTERDECK_EDGE_CONTROL_NETWORKS",
    schema: z
      .string()
      .transform((text) => text.split(",").map((it) => it.trim()))
      .pipe(
        z.array(
          z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
            error: "give addresses and networks, such as 10.0.0.0/24",
          }),
        ),
      ),
    default: "127.0.0.0/8,::1",
    description:
      "Addresses and networks whose requests may choose the colour by x-preview-lane. That of the control plane must be one of them, so that it warms up new tasks.",
  },
  agentCacheMb: {
    variable: "QUARTERDECK_EDGE_CACHE_MB",
    schema: z
      .string()
      .regex(/^\d{1,6}$/, { error: "give a number of MB" })
      .transform(Number),
    default: "64",
    description: "Memory of the Varnish of an edge agent, in MB. 0 runs HAProxy alone.",
  },
} satisfies SettingGroup;
