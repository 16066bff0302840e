import { z } from "zod";

import { portNumber } from "../settings/schemas.ts";
import type { SettingGroup } from "../settings/settings.ts";

export const hostSettings = {
  host: {
    variable: "QUARTERDECK_HOST",
    schema: z.string().regex(/^[\w.:-]+$/, { error: "give an IP address or a host name" }),
    default: "127.0.0.1",
    description:
      "Address to listen on. The default is reachable from this machine only; to go beyond it, put a TLS proxy in front.",
  },
} satisfies SettingGroup;

/** Where the control plane listens, and the origin under which people reach it through a proxy. */
export const controlHttpSettings = {
  ...hostSettings,
  port: {
    variable: "QUARTERDECK_PORT",
    schema: portNumber,
    default: "4600",
    description: "Port of the control plane; 0 takes any free one.",
  },
  publicUrl: {
    variable: "QUARTERDECK_URL",
    schema: z
      .url({ protocol: /^https?$/, error: "give the address that people type, https://…" })
      .transform((url) => new URL(url).origin),
    description:
      "Address under which people reach the control plane through a proxy, for example https://ops.example.com; its host is the only other one that requests may name.",
  },
} satisfies SettingGroup;
