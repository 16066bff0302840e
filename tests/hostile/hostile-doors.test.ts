import { setTimeout as delay } from "node:timers/promises";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { afterAll, beforeAll, expect, test } from "vitest";

import { pushRoutes } from "#receivers/http/push-routes.ts";
import { socketSettings } from "#receivers/sockets/settings.ts";

import { CONTENTS } from "./contents.ts";
import { type HostileReceiver, startHostileReceiver } from "./hostile-receiver.ts";
import { HTTP_DOORS, type HttpDoor, MALFORMED } from "./http-doors.ts";
import { type Answer, connected, end, post, sendTo, write } from "./send.ts";
import { SOCKET_DOORS } from "./socket-doors.ts";

const MB = 1024 * 1024;
const HUGE_BYTES = 200 * MB;
const BLOCK = Buffer.alloc(MB, "x");
const RSS_MB_MAX = 900;
const EVERY_MS = 20;
/** More than an upload server of the journal accepts. */
const SILENT = 100;
/** Of each content, so that they fit into the buffer of a datagram socket. */
const TEXTS_MAX = 5;
/** Larger bodies are sent only to doors of their type. */
const SMALL_BYTES_MAX = 200_000;
const RETRY_LATER = [429, 503];

let receiver: HostileReceiver;
let ordinary: { end(): Promise<number> };
/** Events that receivers accepted over HTTP, each as a document of its own. */
let accepted = 0;

beforeAll(async () => {
  receiver = await startHostileReceiver();
  ordinary = sendOrdinary();
});

afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
});

/** Sends an event again and again, until it is kept: `end` returns how many. */
function sendOrdinary(): { end(): Promise<number> } {
  const state = { isEnding: false, sent: 0 };
  const send = async (): Promise<void> => {
    for (; !state.isEnding; await delay(EVERY_MS)) {
      const body = Buffer.from(`{"message":"ordinary ${state.sent}"}`);
      const { status } = await post(receiver, { path: "/push", type: "application/json", body });
      if (status === 202) state.sent += 1;
      else expect(RETRY_LATER).toContain(status);
    }
  };
  const sending = send();
  sending.catch(() => undefined);
  return {
    async end() {
      state.isEnding = true;
      await sending;
      return state.sent;
    },
  };
}

const textsIn = (content: Buffer): string[] =>
  content
    .toString()
    .split(/\r?\n/)
    .filter((text) => text.trim() !== "");

/** Rejections are the sender's mistakes; what cannot be kept now is asked for again. */
function expectAnswer({ status, text, retryAfter }: Answer, about: string): void {
  if (RETRY_LATER.includes(status)) expect(retryAfter, about).not.toBeNull();
  else expect(status, `${about}: ${text.slice(0, 300)}`).toBeLessThan(500);
}

test("no door is left out", () => {
  // The routes are only listed.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const routes = pushRoutes({} as Parameters<typeof pushRoutes>[0]);
  const taking = routes.filter(({ method, consumes }) => method === "POST" && consumes);
  const paths = HTTP_DOORS.map(({ path }) => path);
  expect([...new Set(taking.map(({ path }) => path))].toSorted()).toEqual(
    [...new Set(paths)].toSorted(),
  );
  const sockets = Object.values(socketSettings)
    .map(({ variable }) => variable)
    .filter((it) => !/_(?:TLS_CERT|TLS_KEY|TLS_CLIENT_CA|TIMEZONE)$/.test(it));
  const known = SOCKET_DOORS.map(({ setting }) => setting);
  expect(sockets.toSorted()).toEqual(known.toSorted());
});

test("each event with hostile content is kept or refused, and those that are kept are stored once", async () => {
  for (const door of HTTP_DOORS) {
    for (const [name, content] of Object.entries(CONTENTS)) {
      accepted += await deliverTexts(door, textsIn(content), `${name} over ${door.path}`);
    }
  }
  expect(accepted).toBeGreaterThan(HTTP_DOORS.length * 100);
  const sent = await ordinary.end();
  await expect.poll(() => receiver.storedRows(), { timeout: 60_000 }).toBe(accepted + sent);
  ordinary = sendOrdinary();
});

/** Returns how many were accepted. */
async function deliverTexts(door: HttpDoor, texts: string[], about: string): Promise<number> {
  const { path, type, wrap } = door;
  if (!wrap || !door.accepted || texts.length === 0) return 0;
  const answer = await post(receiver, { path, type, body: wrap(texts) });
  expectAnswer(answer, about);
  if (answer.status >= 300) return 0;
  return door.accepted(answer.json, texts.length);
}

const HANDLERS = HTTP_DOORS.filter(({ sameAs }) => sameAs === undefined);

test.each(HANDLERS)("any bytes are answered at $path as $type, compressed or not", async (door) => {
  const bodies = [
    ...Object.entries(CONTENTS).map(([name, body]) => ({ name, body, type: door.type })),
    ...Object.entries(MALFORMED)
      .filter(([, { type, body }]) => type === door.type || body.length < SMALL_BYTES_MAX)
      .map(([name, it]) => ({ name, ...it })),
    ...ENCODED.map((it) => ({ type: door.type, ...it })),
  ];
  for (const { name, ...sent } of bodies) {
    const answer = await post(receiver, { path: door.path, ...sent });
    expectAnswer(answer, `${name} at ${door.path}`);
  }
  expect(receiver.ended()).toEqual([]);
});

const bomb = Buffer.alloc(64 * MB);
const ENCODED: readonly { name: string; encoding: string; body: Buffer }[] = [
  { name: "a gzip bomb", encoding: "gzip", body: gzipSync(bomb) },
  { name: "a deflate bomb", encoding: "deflate", body: deflateSync(bomb) },
  { name: "a zstd bomb", encoding: "zstd", body: zstdCompressSync(bomb) },
  { name: "half of a gzip", encoding: "gzip", body: gzipSync("x".repeat(1_000)).subarray(0, 20) },
  { name: "no gzip", encoding: "gzip", body: Buffer.from("x") },
  { name: "no zstd", encoding: "zstd", body: Buffer.from("x") },
  { name: "an unknown encoding", encoding: "br", body: Buffer.from("x") },
];

test("bodies that are too large, endless, shorter than they say or stalled cost no memory", async () => {
  const port = Number(new URL(receiver.url).port);
  const head = `POST /push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${receiver.secret}\r\nContent-Type: text/plain\r\n`;
  const large = await connected(port);
  large.write(`${head}Content-Length: ${HUGE_BYTES}\r\n\r\n`);
  const endless = await connected(port);
  endless.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  const answers = [large, endless].map((socket) => firstBytes(socket));
  for (let sent = 0; sent < HUGE_BYTES; sent += MB) {
    await write(large, BLOCK);
    await write(endless, Buffer.concat([Buffer.from("100000\r\n"), BLOCK, Buffer.from("\r\n")]));
  }
  expect(await Promise.all(answers)).toEqual(["HTTP/1.1 413", "HTTP/1.1 413"]);
  const short = await connected(port);
  short.write(`${head}Content-Length: 100\r\n\r\nx`);
  await end(short);
  const stalled = await Promise.all(Array.from({ length: 200 }, () => connected(port)));
  for (const socket of stalled) socket.write(`${head}Content-Length: 100\r\n\r\nx`);
  const { status } = await post(receiver, {
    path: "/push",
    type: "text/plain",
    body: Buffer.from("x\n"),
  });
  expect(status).toBe(202);
  for (const socket of [large, endless, ...stalled]) socket.destroy();
});

async function firstBytes(socket: Awaited<ReturnType<typeof connected>>): Promise<string> {
  for await (const bytes of socket.iterator({ destroyOnReturn: false }))
    return String(bytes).slice(0, 12);
  return "closed";
}

test.each(SOCKET_DOORS)("$setting: hostile events are kept, refused or counted", async (door) => {
  const place = receiver.places[door.setting];
  const texts = Object.values(CONTENTS).flatMap((it) => textsIn(it).slice(0, TEXTS_MAX));
  await sendTo(
    door,
    place,
    texts.map((text, index) => door.frame(text, index + 1)),
  );
  await expect
    .poll(async () => {
      const { events, refused, dropped } = await receiver.counts(protocolOf(door.setting));
      return events + refused + dropped;
    })
    .toBeGreaterThanOrEqual(texts.length);
});

const PROTOCOLS: Readonly<Record<string, string>> = {
  QUARTERDECK_SYSLOG_SOCKET: "syslog+unix",
  QUARTERDECK_SYSLOG_DATAGRAM_SOCKET: "syslog+unixgram",
};
const protocolOf = (setting: string): string =>
  PROTOCOLS[setting] ?? setting.replace("QUARTERDECK_", "").toLowerCase().replace("_", "+");

test.each(SOCKET_DOORS)(
  "$setting: any bytes, and 200 MB without an end, disturb nobody",
  async (door) => {
    const place = receiver.places[door.setting];
    for (const content of Object.values(CONTENTS)) await sendTo(door, place, [content]);
    if (door.transport === "tcp" || door.transport === "tls") {
      const socket = await connected(place, door.transport);
      for (let sent = 0; sent < HUGE_BYTES && !socket.destroyed; sent += MB)
        await write(socket, BLOCK);
      await end(socket);
    }
    // Without a handshake.
    if (door.transport === "tls") {
      const raw = { ...door, transport: "tcp" } as const;
      for (const content of Object.values(CONTENTS)) await sendTo(raw, place, [content]);
    }
    expect(receiver.ended()).toEqual([]);
  },
);

const CONNECTING = ["tcp", "tls", "http"];

test.each(SOCKET_DOORS.filter(({ transport }) => CONNECTING.includes(transport)))(
  "$setting: silent connections keep out nobody",
  async (door) => {
    const place = receiver.places[door.setting];
    const silent = await Promise.all(
      // Over TLS half of them have begun no handshake.
      Array.from({ length: SILENT }, (_, n) =>
        connected(place, n % 2 === 0 ? door.transport : "tcp"),
      ),
    );
    const { events } = await receiver.counts(protocolOf(door.setting));
    await sendTo(door, place, [door.frame("beside silent connections", 1)]);
    await expect
      .poll(async () => (await receiver.counts(protocolOf(door.setting))).events)
      .toBeGreaterThan(events);
    for (const socket of silent) socket.destroy();
  },
);

test("afterwards an ordinary sender has been served, in bounded memory", async () => {
  expect(await ordinary.end()).toBeGreaterThan(0);
  expect(receiver.ended()).toEqual([]);
  const { receiver: receiverMb, indexer } = receiver.rssMbPeaks();
  expect(receiverMb).toBeLessThan(RSS_MB_MAX);
  expect(indexer).toBeLessThan(RSS_MB_MAX);
});
