import { z } from "zod";

import { sourceKind } from "#collectors/configured/source-kind.ts";

import {
  listenerAddress,
  listenerPort,
  requireTlsFiles,
  tlsFiles,
  tlsFilesIn,
} from "./listener-fields.ts";

/** Syslog over RELP, as rsyslog sends it. */
export const relpKind = sourceKind({
  kind: "relp",
  title: "Syslog over RELP",
  summary: "A port for rsyslog's omrelp, which keeps each message until it is on disk here",
  hasLines: true,
  schema: z
    .strictObject({
      transport: z.enum(["tcp", "tls"]).default("tcp").meta({ title: "Over" }),
      port: listenerPort(2514),
      address: listenerAddress(),
      ...tlsFiles(),
    })
    .superRefine((properties, context) => {
      if (properties.transport === "tls") requireTlsFiles(properties, context);
    }),
  listener({ transport, port, address: host, ...files }, source) {
    const listenOn = { host, port };
    if (transport === "tcp") return { source, protocol: "relp+tcp", listenOn };
    return { source, protocol: "relp+tls", listenOn, tls: tlsFilesIn(files) };
  },
});
