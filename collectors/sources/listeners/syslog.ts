import { z } from "zod";

import { sourceKind } from "#collectors/configured/source-kind.ts";

import {
  listenerAddress,
  listenerPort,
  required,
  requireTlsFiles,
  socketPath,
  tlsFiles,
  tlsFilesIn,
} from "./listener-fields.ts";
import type { Listener, ListenerSocket } from "./listener.ts";

const IP = ["udp", "tcp", "tls"] as const;
const UNIX = ["unix", "unix-datagram"] as const;

const whenIp = { when: { field: "transport", values: IP } };
const whenUnix = { when: { field: "transport", values: UNIX } };

const schema = z
  .strictObject({
    transport: z
      .enum([...IP, ...UNIX])
      .default("udp")
      .meta({
        title: "Over",
        description:
          "UDP loses events when either side is overloaded; over TCP, TLS and Unix sockets senders wait. unix-datagram is the kind of /dev/log.",
      }),
    port: listenerPort(5514, whenIp),
    address: listenerAddress(whenIp),
    path: socketPath({
      title: "Path of the socket",
      description: "It is created, and every program of this machine may write to it.",
      ...whenUnix,
    }),
    ...tlsFiles(),
  })
  .superRefine((properties, context) => {
    const { transport, path } = properties;
    if (transport.startsWith("unix") && path === undefined) {
      const message = "give the path of the socket";
      context.addIssue({ code: "custom", path: ["path"], message });
    }
    if (transport === "tls") requireTlsFiles(properties, context);
  });

/** Syslog as daemons, proxies and programs send it. */
export const syslogKind = sourceKind({
  kind: "syslog",
  title: "Syslog",
  summary: "A port or socket for syslog: UDP, TCP, TLS or Unix; RFC 3164 and 5424",
  hasLines: true,
  schema,
  listener: (properties, source): Listener => ({ source, ...socketOf(properties) }),
});

function socketOf(properties: z.infer<typeof schema>): ListenerSocket {
  const { transport, port, address: host, path, ...files } = properties;
  const listenOn = { host, port };
  switch (transport) {
    case "udp":
      return { protocol: "syslog+udp", listenOn };
    case "tcp":
      return { protocol: "syslog+tcp", listenOn };
    case "tls":
      return { protocol: "syslog+tls", listenOn, tls: tlsFilesIn(files) };
    case "unix":
      return { protocol: "syslog+unix", listenOn: { path: required(path) } };
    case "unix-datagram":
      return { protocol: "syslog+unixgram", listenOn: { path: required(path) } };
  }
}
