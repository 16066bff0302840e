import { z } from "zod";

import type { SettingGroup } from "#platform/settings/settings.ts";

export const edgeSettings = {
  edge: {
    variable: "QUARTERDECK_EDGE",
    schema: z.enum(["local", "haproxy"], { error: "give local or haproxy" }),
    default: "local",
    description:
      "What stands in front of workloads that were deployed. local: a proxy that needs no other program. haproxy: two HAProxy and two Varnish, which must be installed.",
  },
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
