import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, expect, test } from "vitest";

import { writeCertificate } from "../../tests/harness/certificate.ts";
import { testReceivers, type TestReceivers } from "../testing.ts";

const run = promisify(execFile);
const ACCESS =
  '203.0.113.5 - - [14/Mar/2026:10:11:12 +0000] "GET /x HTTP/1.1" 200 343 "-" "curl/8"';
const HEADER = "<190>Mar 14 10:11:12 edge-1 nginx: ";
const ANY_PORT = "127.0.0.1:0";

let folder: string;
let receivers: TestReceivers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarterdeck sockets "));
  await writeCertificate(folder);
  receivers = await testReceivers({
    QUARTERDECK_SYSLOG_UDP: ANY_PORT,
    QUARTERDECK_SYSLOG_TCP: ANY_PORT,
    QUARTERDECK_SYSLOG_TLS: ANY_PORT,
    QUARTERDECK_TLS_CERT: join(folder, "cert.pem"),
    QUARTERDECK_TLS_KEY: join(folder, "key.pem"),
    QUARTERDECK_RELP_TCP: ANY_PORT,
    QUARTERDECK_RELP_TLS: ANY_PORT,
    QUARTERDECK_SYSLOG_SOCKET: join(folder, "syslog.sock"),
    QUARTERDECK_SYSLOG_DATAGRAM_SOCKET: join(folder, "log"),
    QUARTERDECK_GELF_UDP: ANY_PORT,
    QUARTERDECK_GELF_TCP: ANY_PORT,
    QUARTERDECK_JOURNAL_TCP: ANY_PORT,
    QUARTERDECK_JOURNAL_HTTP: ANY_PORT,
    QUARTERDECK_TIMEZONE: "UTC",
  });
});

afterAll(async () => {
  await receivers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The port of a receiver, by the beginning of its address. */
function portOf(protocol: string): number {
  const address = receivers.addresses.find((it) => it.startsWith(`${protocol}://`));
  return Number(/:(\d+)$/.exec(address ?? "")?.[1]);
}

async function sendTo(socket: Socket, text: string | Buffer): Promise<void> {
  socket.end(text);
  await once(socket, "close");
}

async function sendDatagrams(port: number, ...datagrams: (string | Buffer)[]): Promise<void> {
  const socket = createSocket("udp4");
  const send = promisify<string | Buffer, number, string>(socket.send.bind(socket));
  for (const datagram of datagrams) await send(datagram, port, "127.0.0.1");
  socket.close();
}

/** The events with this text in their original line, once there are as many. */
async function eventsWith(mark: string, count: number): Promise<Record<string, unknown>[]> {
  const found = async (): Promise<Record<string, unknown>[]> =>
    (await receivers.events()).filter((it) => String(it["event.original"]).includes(mark));
  await expect.poll(async () => (await found()).length, { interval: 100 }).toBe(count);
  return found();
}

const accessLine = (mark: string): string => ACCESS.replace("/x", `/${mark}`);
const NGINX = {
  "data_stream.dataset": "nginx.access",
  "@timestamp": "2026-03-14T10:11:12.000Z",
  "http.response.status_code": 200,
};
const OF_SYSLOG = {
  ...NGINX,
  "host.name": "edge-1",
  "process.name": "nginx",
  "log.syslog.facility.name": "local7",
};
const modern = (mark: string): string =>
  `<190>1 2026-03-14T10:11:12Z edge-1 nginx 44 - [a@1 b="c"] ${accessLine(mark)}`;
const counted = (text: string): string => `${Buffer.byteLength(text)} ${text}`;

test("an access line in syslog over UDP becomes an event of its format, with the host of the header and the sender", async () => {
  await sendDatagrams(portOf("syslog+udp"), HEADER + accessLine("udp1"), `${modern("udp2")}\n`);
  const [first] = await eventsWith("/udp1", 1);
  expect(first).toMatchObject({ ...OF_SYSLOG, "log.source.address": "127.0.0.1" });
  const [second] = await eventsWith("/udp2", 1);
  expect(second).toMatchObject({ ...OF_SYSLOG, "log.syslog.structured_data.a@1.b": "c" });
});

test.each([
  ["with line ends", (texts: string[]) => texts.map((it) => `${it}\n`).join("")],
  ["with octet counting", (texts: string[]) => texts.map(counted).join("")],
])("syslog over TCP %s", async (name, framed) => {
  const mark = name.replaceAll(" ", "-");
  const texts = [HEADER + accessLine(mark), modern(mark), `<13>Mar 14 10:11:12 h app[7]: ${mark}`];
  await sendTo(connect(portOf("syslog+tcp"), "127.0.0.1"), framed(texts));
  const events = await eventsWith(mark, 3);
  expect(events.filter((it) => it["data_stream.dataset"] === "nginx.access")).toHaveLength(2);
  expect(events.find((it) => it["process.name"] === "app")).toMatchObject({
    "data_stream.dataset": "system.syslog",
    message: mark,
    "host.name": "h",
    "process.pid": 7,
    "log.level": "notice",
    "@timestamp": "2026-03-14T10:11:12.000Z",
  });
});

test("syslog over TLS, and over a Unix stream socket", async () => {
  const socket = connectTls({
    port: portOf("syslog+tls"),
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  await sendTo(socket, `${modern("tls")}\n`);
  expect(await eventsWith("/tls", 1)).toMatchObject([OF_SYSLOG]);
  // The C library ends messages with zero bytes.
  const local = `<190>Mar 14 10:11:12 nginx: ${accessLine("unix")}\0`;
  await sendTo(connect(join(folder, "syslog.sock")), local + local);
  const both = await eventsWith("/unix", 2);
  expect(both).toMatchObject([NGINX, NGINX]);
});

/** Sends a syslog message over RELP, and returns what is answered until the connection is closed. */
async function sendOverRelp(socket: Socket, text: string): Promise<string> {
  socket.write(`1 open 14 relp_version=0\n2 syslog ${text.length} ${text}\n3 close 0\n`);
  let answers = "";
  for await (const bytes of socket) {
    answers += String(bytes);
    if (answers.includes("serverclose")) break;
  }
  return answers;
}

test("syslog over RELP, also with TLS, is acknowledged when it is on disk", async () => {
  const plain = connect(portOf("relp+tcp"), "127.0.0.1");
  const text = HEADER + accessLine("relp1");
  expect(await sendOverRelp(plain, text)).toMatch(/^1 rsp \d+ 200 OK\n[^]*\n2 rsp 6 200 OK\n3 rsp/);
  const encrypted = connectTls({
    port: portOf("relp+tls"),
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  await once(encrypted, "secureConnect");
  expect(await sendOverRelp(encrypted, modern("relp2"))).toContain("2 rsp 6 200 OK\n");
  expect(await eventsWith("/relp1", 1)).toMatchObject([OF_SYSLOG]);
  expect(await eventsWith("/relp2", 1)).toMatchObject([OF_SYSLOG]);
});

test("what is no RELP on its port is refused, and the connection is closed", async () => {
  const socket = connect(portOf("relp+tcp"), "127.0.0.1");
  socket.write("<13>Mar 14 10:11:12 h app: no relp\n");
  await once(socket, "close");
});

test("logger writes to a Unix datagram socket, as to /dev/log", async () => {
  await run("logger", ["--socket", join(folder, "log"), "--tag", "shop", accessLine("devlog")]);
  const [event] = await eventsWith("/devlog", 1);
  expect(event).toMatchObject({ ...NGINX, "process.name": "shop", "log.level": "notice" });
});

test("a syslog message of several lines is one event", async () => {
  const text = "<11>Mar 14 10:11:12 h app[7]: multi-1 failed\n  at a.js:1\n  at b.js:2";
  await sendTo(connect(portOf("syslog+tcp"), "127.0.0.1"), counted(text));
  expect(await eventsWith("multi-1", 1)).toMatchObject([
    {
      "data_stream.dataset": "system.syslog",
      message: "multi-1 failed\n  at a.js:1\n  at b.js:2",
      "event.original": text,
      "host.name": "h",
      "log.level": "error",
      "@timestamp": "2026-03-14T10:11:12.000Z",
    },
  ]);
});

test("what is no syslog message goes to quarantine", async () => {
  await sendDatagrams(portOf("syslog+udp"), "nonsense-1 \u0001");
  const [event] = await eventsWith("nonsense-1", 1);
  expect(event).toMatchObject({ "data_stream.dataset": "quarterdeck.quarantine" });
});

const gelf = (mark: string, text = accessLine(mark)): Buffer =>
  Buffer.from(
    JSON.stringify({
      version: "1.1",
      host: "edge-1",
      short_message: text,
      timestamp: 1773483072,
      level: 4,
      _order: mark,
    }),
  );

test("GELF over UDP, compressed and in chunks, and over TCP", async () => {
  const chunk = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, number, 2]), bytes]);
  const long = gzipSync(gelf("chunked", "chunked text"));
  await sendDatagrams(
    portOf("gelf+udp"),
    gzipSync(gelf("zipped")),
    chunk(1, long.subarray(50)),
    chunk(0, long.subarray(0, 50)),
  );
  const [access] = await eventsWith("zipped", 1);
  expect(access).toMatchObject({ ...NGINX, "host.name": "edge-1", "labels.order": "zipped" });
  await expect
    .poll(async () => (await receivers.events()).filter((it) => it["labels.order"] === "chunked"))
    .toMatchObject([
      {
        "data_stream.dataset": "gelf",
        message: "chunked text",
        "log.level": "warning",
        "@timestamp": "2026-03-14T10:11:12.000Z",
      },
    ]);
  const stream = Buffer.concat([gelf("tcp1"), Buffer.of(0), gelf("tcp2"), Buffer.of(0)]);
  await sendTo(connect(portOf("gelf+tcp"), "127.0.0.1"), stream);
  for (const mark of ["tcp1", "tcp2"]) expect(await eventsWith(mark, 1)).toMatchObject([NGINX]);
});

const entry = (mark: string, message = accessLine(mark)): string =>
  `__REALTIME_TIMESTAMP=1773483072000000\n_HOSTNAME=edge-1\nSYSLOG_IDENTIFIER=nginx\nPRIORITY=6\nORDER=${mark}\nMESSAGE=${message}\n\n`;

test("the journal over TCP, and as systemd-journal-upload sends it", async () => {
  await sendTo(
    connect(portOf("journal+tcp"), "127.0.0.1"),
    entry("j1") + entry("j2", "j2 started"),
  );
  const [access] = await eventsWith("/j1", 1);
  expect(access).toMatchObject({ ...NGINX, "host.name": "edge-1", "labels.order": "j1" });
  const url = `http://127.0.0.1:${portOf("journal+http")}/upload`;
  const headers = { "content-type": "application/vnd.fdo.journal" };
  const answer = await fetch(url, { method: "POST", headers, body: entry("j3", "j3 started") });
  expect(answer.status).toBe(202);
  const started = async (): Promise<Record<string, unknown>[]> =>
    (await receivers.events()).filter((it) => /^j[23] started$/.test(String(it["message"])));
  await expect.poll(started).toMatchObject([
    { "data_stream.dataset": "system.journal", "process.name": "nginx", "labels.order": "j2" },
    { "data_stream.dataset": "system.journal", "process.name": "nginx", "labels.order": "j3" },
  ]);
  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(415);
});

test("a certificate that cannot be read is named", async () => {
  await writeFile(join(folder, "empty"), "");
  const opening = testReceivers({
    QUARTERDECK_SYSLOG_TLS: ANY_PORT,
    QUARTERDECK_TLS_CERT: join(folder, "missing.pem"),
    QUARTERDECK_TLS_KEY: join(folder, "key.pem"),
  });
  await expect(opening).rejects.toThrow(/missing\.pem, cannot be read/);
});
