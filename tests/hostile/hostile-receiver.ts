import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";
import { freePort } from "#platform/free-port.ts";
import { TokenRequest } from "#receivers/tokens/push-token.ts";
import { addToken } from "#receivers/tokens/token-file.ts";

import { writeCertificate } from "../harness/certificate.ts";
import { type Program, startProgram, temporaryFolder } from "../harness/program.ts";

const ON_PORTS = [
  "QUARTERDECK_SYSLOG_TCP",
  "QUARTERDECK_SYSLOG_TLS",
  "QUARTERDECK_SYSLOG_UDP",
  "QUARTERDECK_RELP_TCP",
  "QUARTERDECK_RELP_TLS",
  "QUARTERDECK_GELF_TCP",
  "QUARTERDECK_GELF_UDP",
  "QUARTERDECK_JOURNAL_TCP",
  "QUARTERDECK_JOURNAL_HTTP",
] as const;
const ON_PATHS = ["QUARTERDECK_SYSLOG_SOCKET", "QUARTERDECK_SYSLOG_DATAGRAM_SOCKET"] as const;

export type SocketSetting = (typeof ON_PORTS)[number] | (typeof ON_PATHS)[number];

/** What happened to the events of one protocol. */
type Counts = { events: number; refused: number; dropped: number };

/** A receiver with every door open, and an indexer, each in a process of its own. */
export type HostileReceiver = AsyncDisposable & {
  url: string;
  secret: string;
  /** The port or path of each socket. */
  places: Readonly<Record<SocketSetting, number | string>>;
  /** Those of both processes that have ended; empty while all is well. */
  ended(): string[];
  /** The largest resident sets so far, MB. */
  rssMbPeaks(): { receiver: number; indexer: number };
  counts(protocol: string): Promise<Counts>;
  storedRows(): Promise<number>;
};

export async function startHostileReceiver(): Promise<HostileReceiver> {
  const folder = await temporaryFolder();
  const data = path.join(folder.path, "data");
  const port = await freePort();
  const places: Record<string, number | string> = {};
  for (const setting of ON_PORTS) places[setting] = await freePort();
  for (const setting of ON_PATHS) places[setting] = path.join(folder.path, setting.toLowerCase());
  const onSockets = Object.entries(places).map(([setting, place]) => [setting, String(place)]);
  const { cert, key } = await writeCertificate(folder.path);
  const env = {
    ...Object.fromEntries(onSockets),
    QUARTERDECK_DATA: data,
    QUARTERDECK_PUSH_PORT: String(port),
    QUARTERDECK_TIMEZONE: "UTC",
    QUARTERDECK_TLS_CERT: cert,
    QUARTERDECK_TLS_KEY: key,
  };
  const programs: Record<"receiver" | "indexer", Program> = {
    receiver: startProgram(["role", "receive"], { env }),
    indexer: startProgram(["role", "index", path.join(data, "none.log")], {
      env: { QUARTERDECK_DATA: data },
    }),
  };
  const { receiver, indexer } = programs;
  await Promise.all([receiver.printed(/(can be pushed to)/), indexer.printed(/(are indexed)/)]);
  const request = TokenRequest.parse({ name: "hostile" });
  const { secret } = await addToken(data, request, systemClock.nowMs());
  return {
    url: `http://127.0.0.1:${port}`,
    secret,
    // Each setting has got its place above.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    places: places as Record<SocketSetting, number | string>,
    ended: () =>
      Object.entries(programs).flatMap(([name, { child, output }]) =>
        child.exitCode === null && child.signalCode === null ? [] : [`${name}: ${output()}`],
      ),
    rssMbPeaks: () => ({ receiver: rssMbPeak(receiver), indexer: rssMbPeak(indexer) }),
    counts: (protocol) => countsOf(data, protocol),
    storedRows: () => rowsIn(data),
    async [Symbol.asyncDispose]() {
      await Promise.all([receiver.end("SIGTERM"), indexer.end("SIGTERM")]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const rssMbPeak = ({ child: { pid } }: Program): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;

/** The sums over the streams of a protocol in the files that the receivers write once a second. */
async function countsOf(data: string, protocol: string): Promise<Counts> {
  const folder = path.join(data, "receivers");
  const sum = { events: 0, refused: 0, dropped: 0 };
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".json")) continue;
    // Our own receivers write it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const written = JSON.parse(await readFile(path.join(folder, name), "utf8")) as {
      streams?: (Counts & { protocol: string })[];
    };
    for (const stream of written.streams ?? []) {
      if (stream.protocol !== protocol) continue;
      sum.events += stream.events;
      sum.refused += stream.refused;
      sum.dropped += stream.dropped;
    }
  }
  return sum;
}

async function rowsIn(data: string): Promise<number> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const extents = await store.extents();
  return extents.reduce((sum, { rows }) => sum + rows, 0);
}
