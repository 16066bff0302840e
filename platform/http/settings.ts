import { z } from "zod";

import { portNumber } from "../settings/schemas.ts";
import type { SettingGroup } from "../settings/settings.ts";

export const hostSettings = {
  host: {
    variable: "QUARTERDECK_HOST",
    schema: z.string().regex(/^[\w.:-]+$/, { error: "give an IP address or a host name" }),
    default: "127.0.0.1",
    description:
      "Address to listen on. The default accepts connections from this machine only; use a TLS proxy for access from others.",
  },
} satisfies SettingGroup;

/** Port of the control plane, and its public origin behind a proxy. */
export const controlHttpSettings = {
  ...hostSettings,
  port: {
    variable: "QUARTERDECK_PORT",
    schema: portNumber,
    default: "4600",
    description: "Port of the control plane; 0 means any free port.",
  },
  publicUrl: {
    variable: "QUARTERDECK_URL",
    schema: z
      .url({ protocol: /^https?$/, error: "give the public URL, https://…" })
      .transform((url) => new URL(url).origin),
    description:
      "Public URL of the control plane behind a proxy, for example https://ops.example.com. Its host name is accepted in addition to local ones.",
  },
} satisfies SettingGroup;
