import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";

import { encodeRequest } from "#pipeline/otlp/messages.ts";

import { seededUniform } from "./random.ts";

/** What is sent: the bytes of a file, cut into requests. */
export type Payload = { file: string; requests: { from: number; bytes: number }[]; media: string };

/** The largest number of events that Filebeat sends in a request, and a usual one of collectors of OpenTelemetry. */
const EVENTS_PER_REQUEST = 1_600;
const NGINX = { path: "/var/log/nginx/access.log", inode: "1572871", device: "64769" };
const AGENT = {
  ephemeral_id: "6e3a0f0c-6d0b-4f0f-9a5e-2f6f7f5a3c11",
  id: "b1c6f2f5-5f0e-4e57-a9d4-0d2a9d1f6a44",
  name: "web-1",
  type: "filebeat",
  version: "8.15.0",
};
const START_MS = Date.UTC(2026, 2, 14);
const COMBINED = /^(\S+) - (\S+) \[[^\]]+\] "(.*)" (\d{3}) (\d+) "(.*)" "(.*)"$/;

export const PAYLOADS = ["filebeat", "parsed", "otlp", "syslog"] as const;
export type PayloadName = (typeof PAYLOADS)[number];

/** Writes the lines of an access log as the requests of a shipper. */
export async function writePayload(
  name: PayloadName,
  log: string,
  folder: string,
): Promise<Payload> {
  const file = path.join(folder, name);
  await using out = await open(file, "w");
  const requests: Payload["requests"] = [];
  let from = 0;
  const { media, encode } = ENCODERS[name]();
  for await (const lines of groupsOf(log)) {
    const bytes = encode(lines);
    await out.write(bytes);
    requests.push({ from, bytes: bytes.length });
    from += bytes.length;
  }
  return { file, requests, media };
}

type Line = { text: string; offset: number; number: number };

async function* groupsOf(log: string): AsyncGenerator<Line[]> {
  let group: Line[] = [];
  let offset = 0;
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(log) })) {
    group.push({ text, offset, number });
    offset += Buffer.byteLength(text) + 1;
    number += 1;
    if (group.length < EVENTS_PER_REQUEST) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

type Encoder = { media: string; encode(lines: readonly Line[]): Uint8Array };

const ENCODERS: Record<PayloadName, () => Encoder> = {
  filebeat: () => bulk('{"create":{"_index":"filebeat-8.15.0"}}', filebeatDocuments()),
  parsed: () => bulk('{"create":{"_index":"logs-nginx.access-default"}}', parsedDocument),
  otlp: () => ({ media: "application/x-protobuf", encode: otlpRequest }),
  syslog: () => ({
    media: "",
    encode: (lines) =>
      Buffer.from(lines.map((line) => `${syslogHeader(line.number)}${line.text}\n`).join("")),
  }),
};

const bulk = (action: string, documentOf: (line: Line) => object): Encoder => ({
  media: "application/x-ndjson",
  encode: (lines) =>
    Buffer.from(lines.map((line) => `${action}\n${JSON.stringify(documentOf(line))}\n`).join("")),
});

/** When the shipper read the line. */
const readAt = (number: number): string => new Date(START_MS + number).toISOString();

/**
 * Documents of Filebeat without processors. As there, the fields have the order in which Go iterates over a map: from a random
 * one on.
 */
function filebeatDocuments(): (line: Line) => object {
  const random = seededUniform(7);
  const rotated = (object: object): object => {
    const entries = Object.entries(object);
    const first = Math.floor(random() * entries.length);
    return Object.fromEntries([...entries.slice(first), ...entries.slice(0, first)]);
  };
  return ({ text, offset, number }) => ({
    "@timestamp": readAt(number),
    ...rotated({
      message: text,
      log: rotated({
        offset,
        file: rotated({ path: NGINX.path, inode: NGINX.inode, device_id: NGINX.device }),
      }),
      input: { type: "filestream" },
      ecs: { version: "8.0.0" },
      host: { name: "web-1" },
      agent: rotated(AGENT),
    }),
  });
}

/** A document whose shipper has parsed the line. */
function parsedDocument({ text, number }: Line): object {
  const [, address = "", user = "-", request = "", status, bytes, referrer, agent] =
    COMBINED.exec(text) ?? [];
  const [method = "", url = "", protocol = ""] = request.split(" ");
  return {
    "@timestamp": readAt(number),
    ecs: { version: "8.0.0" },
    data_stream: { type: "logs", dataset: "nginx.access", namespace: "default" },
    host: { name: "web-1" },
    source: { address },
    ...(user !== "-" && { user: { name: user } }),
    http: {
      request: { method, ...(referrer !== "-" && { referrer }) },
      response: { status_code: Number(status), body: { bytes: Number(bytes) } },
      version: protocol.replace("HTTP/", ""),
    },
    url: { original: url },
    user_agent: { original: agent },
  };
}

const attribute = (key: string, value: string): object => ({ key, value: { stringValue: value } });

/** As the file receiver of OpenTelemetry's collector sends lines. */
function otlpRequest(lines: readonly Line[]): Uint8Array {
  const logRecords = lines.map(({ text, number }) => ({
    timeUnixNano: `${START_MS + number}000000`,
    observedTimeUnixNano: `${START_MS + number}500000`,
    body: { stringValue: text },
    attributes: [attribute("log.file.path", NGINX.path), attribute("log.file.name", "access.log")],
  }));
  const attributes = [attribute("host.name", "web-1"), attribute("service.name", "nginx")];
  return encodeRequest({
    resourceLogs: [{ resource: { attributes }, scopeLogs: [{ scope: {}, logRecords }] }],
  });
}

const syslogHeader = (number: number): string =>
  `<190>1 ${readAt(number).replace("Z", "+00:00")} web-1 nginx 44 - - `;
