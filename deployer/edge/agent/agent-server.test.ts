import { readFileSync, statSync } from "node:fs";
import { cp } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import path from "node:path";
import { connect, type ConnectionOptions } from "node:tls";

import { expect, onTestFinished, test } from "vitest";

import type { NodeView } from "#deployer/drivers.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { silentLog } from "#platform/log.ts";
import { replaceFile } from "#platform/state-file.ts";

import { AgentClient } from "./agent-client.ts";
import { openAgentServer } from "./agent-server.ts";
import { CertificateFiles, certificateIn, expiryWarning, keyIn } from "./certificate-files.ts";
import { issueCertificate, type KeyPair } from "./issue-certificate.ts";
import {
  CONTROL_PLANE_FILES,
  listCertificates,
  makeCertificates,
  NODE_FILES,
} from "./make-certificates.ts";
import { certificateNameOf, CONTROL_PLANE } from "./names.ts";
import { type AgentService, VERBS } from "./verbs.ts";

const HOST = "127.0.0.1";
const YEARS_MS = 2 * 366 * 24 * 3_600_000;
const WAIT = { timeout: 30_000, interval: 50 };

const VIEW: NodeView = {
  version: 7,
  route: { live: "blue", next: "green", splitBp: 0 },
  releases: { blue: "r1", green: null },
  slots: { blue: [], green: [] },
};
const CONFIG = { ...VIEW, slots: { blue: [], green: [] } };

type World = {
  /** The folder of the authority, and the one of the agent. */
  authority: string;
  own: string;
  port: number;
  client: AgentClient;
  /** The verbs that were performed. */
  performed: string[];
};

/** The agent of lb1, whose service only notes what it was asked. */
async function start(nowMs = systemClock.nowMs()): Promise<World> {
  const folder = temporaryFolder();
  const authority = path.join(folder, "authority");
  const [made = ""] = await makeCertificates(authority, ["lb1"], nowMs);
  const own = path.join(folder, "lb1");
  await cp(made, own, { recursive: true });
  const performed: string[] = [];
  const done = (verb: string) => async (): Promise<null> => {
    performed.push(verb);
    return null;
  };
  const service: AgentService = {
    version: async () => ({ node: "lb1", release: "r1", closed: [], startedAtMs: 0 }),
    serve: done("serve"),
    read: async () => ({ ...VIEW, slots: { blue: [], green: [] } }),
    async apply({ config: { version } }) {
      if (version < VIEW.version)
        throw new AppError(
          "conflict",
          `lb1 has version 7 and refuses the older version ${version}.`,
        );
      performed.push("apply");
      return null;
    },
    closeSessions: done("closeSessions"),
    counts: async () => {
      throw new Error("secret details");
    },
    checkTemplate: async () => [],
    useTemplate: done("useTemplate"),
    health: async () => ({ pid: 1, workloads: {} }),
    errors: async () => ({ requests: 0, errors: 0 }),
    ban: done("ban"),
    cacheSize: async () => null,
  };
  const files = new CertificateFiles(own, NODE_FILES);
  const server = await openAgentServer({ host: HOST, port: 0, files, service, log: silentLog() });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const { port } = server;
  const client = clientFor("lb1", { port, authority });
  return { authority, own, port, client, performed };
}

function clientFor(
  node: string,
  { port, authority }: Pick<World, "port" | "authority">,
): AgentClient {
  const files = new CertificateFiles(authority, CONTROL_PLANE_FILES);
  const client = new AgentClient({ node, host: HOST, port }, files);
  onTestFinished(() => client.close());
  return client;
}

/** Another certificate of an authority. */
async function issue(
  authority: string,
  issued: Parameters<typeof issueCertificate>[1],
): Promise<KeyPair & { authority: string }> {
  const files = new CertificateFiles(authority, CONTROL_PLANE_FILES);
  const ca = files.current.authority;
  const key = readFileSync(keyIn(authority, "ca"), "utf8");
  return { ...(await issueCertificate({ certificate: ca, key }, issued)), authority: ca };
}

const clientWith = (
  port: number,
  { authority, certificate, key }: KeyPair & { authority: string },
): AgentClient =>
  new AgentClient({ node: "lb1", host: HOST, port }, { current: { authority, certificate, key } });

/** What an agent answers to these bytes, until it closes the connection. */
async function converse(world: World, parts: readonly string[], options: ConnectionOptions = {}) {
  const { current } = new CertificateFiles(world.authority, CONTROL_PLANE_FILES);
  const socket = connect({
    host: HOST,
    port: world.port,
    ca: current.authority,
    cert: current.certificate,
    key: current.key,
    servername: certificateNameOf("lb1"),
    ...options,
  });
  for (const part of parts) socket.write(part);
  let answer = "";
  socket.on("data", (data: Buffer) => (answer += data.toString("utf8")));
  const error = await new Promise<Error | undefined>((resolve) => {
    let failure: Error | undefined;
    socket.on("error", (it) => (failure = it));
    socket.on("close", () => resolve(failure));
  });
  return { answer, error };
}

const head = (verb: string, bytes: number, method = "POST"): string =>
  `${method} ${verb} HTTP/1.1\r\nhost: lb1\r\nconnection: close\r\ncontent-length: ${bytes}\r\n\r\n`;

test("the control plane is answered, on a connection that is kept", async () => {
  const { client, performed } = await start();
  expect(await client.ask("read", { workload: "web" })).toEqual(VIEW);
  await client.ask("apply", { workload: "web", config: CONFIG });
  expect(performed).toEqual(["apply"]);
  expect(client.certificate?.subjectAltName).toBe("DNS:lb1.edge.quarterdeck.internal");
});

test("a version that was sent before is refused as older", async () => {
  const { client, performed } = await start();
  const replayed = client.ask("apply", { workload: "web", config: { ...CONFIG, version: 6 } });
  await expect(replayed).rejects.toMatchObject({
    code: "conflict",
    message: "lb1: lb1 has version 7 and refuses the older version 6.",
  });
  expect(performed).toEqual([]);
});

test("an internal error has no details", async () => {
  const { client } = await start();
  const failed = client.ask("counts", { workload: "web", fromMs: 0 });
  await expect(failed).rejects.toThrow(/^lb1: An internal error/);
  await expect(failed).rejects.not.toThrow(/secret/);
});

test("without a certificate, or with one of another authority, there is no connection", async () => {
  const world = await start();
  const none = await converse(world, [head("/v1/read", 0)], { cert: undefined, key: undefined });
  expect(none).toMatchObject({ answer: "", error: { message: /certificate required/ } });
  const other = path.join(temporaryFolder(), "other");
  await makeCertificates(other, [], systemClock.nowMs());
  const { current } = new CertificateFiles(other, CONTROL_PLANE_FILES);
  const stranger = await converse(world, [head("/v1/apply", 0)], {
    cert: current.certificate,
    key: current.key,
  });
  expect(stranger.answer).toBe("");
  expect(world.performed).toEqual([]);
  // The other way round, the control plane does not talk to an agent of another authority.
  const { authority } = current;
  const { certificate, key } = new CertificateFiles(world.authority, CONTROL_PLANE_FILES).current;
  const asked = clientWith(world.port, { authority, certificate, key }).ask("version", {});
  await expect(asked).rejects.toThrow(/lb1: its agent cannot be reached/);
});

test("the certificate of a node asks nothing, and neither does another name of the same authority", async () => {
  const world = await start();
  const nowMs = systemClock.nowMs();
  const node = await issue(world.authority, { name: certificateNameOf("lb2"), use: "node", nowMs });
  await expect(clientWith(world.port, node).ask("version", {})).rejects.toThrow(/lb1: /);
  const name = certificateNameOf("lb2");
  const other = await issue(world.authority, { name, use: "control-plane", nowMs });
  await expect(clientWith(world.port, other).ask("version", {})).rejects.toMatchObject({
    code: "forbidden",
    message: "lb1: Only the control plane may ask an edge agent.",
  });
});

test("a node does not answer in the place of another one", async () => {
  const world = await start();
  const asked = clientFor("lb2", world).ask("version", {});
  await expect(asked).rejects.toThrow(/lb2: .*not in the cert's altnames/i);
});

test("a certificate that has ended is refused at both ends", async () => {
  const world = await start();
  const nowMs = systemClock.nowMs() - YEARS_MS;
  const ended = await issue(world.authority, { name: CONTROL_PLANE, use: "control-plane", nowMs });
  await expect(clientWith(world.port, ended).ask("version", {})).rejects.toThrow(/lb1: /);
  expect(world.performed).toEqual([]);
  const old = await start(nowMs);
  const fresh = await issue(old.authority, {
    name: CONTROL_PLANE,
    use: "control-plane",
    nowMs: systemClock.nowMs(),
  });
  await expect(clientWith(old.port, fresh).ask("version", {})).rejects.toThrow(/has expired/);
});

test("plain HTTP and TLS 1.2 are refused", async () => {
  const world = await start();
  const plain = new Promise((resolve, reject) => {
    const asked = plainRequest({
      host: HOST,
      port: world.port,
      path: "/v1/version",
      method: "POST",
    });
    asked.on("response", resolve);
    asked.on("error", reject);
    asked.end("{}");
  });
  await expect(plain).rejects.toThrow(/./);
  const older = await converse(world, [], { maxVersion: "TLSv1.2" });
  expect(older.error?.message).toMatch(/protocol version/);
});

test.each([
  ["/v1/exec", "POST", 404],
  ["/v1/constructor", "POST", 404],
  ["/v1/../../etc/passwd", "POST", 404],
  ["/v1/version", "GET", 405],
])("an unknown verb or method is refused: %s by %s", async (url, method, status) => {
  const world = await start();
  const { answer } = await converse(world, [head(url, 2, method), "{}"]);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(world.performed).toEqual([]);
});

test.each([
  ["no JSON", "{", 400],
  ["another field", `{"workload":"web","path":"/etc/passwd"}`, 422],
  ["a name that is a path", `{"workload":"../web"}`, 422],
  ["nothing", "", 400],
])("a body with %s is refused with a reason", async (_name, body, status) => {
  const { answer } = await converse(await start(), [head("/v1/read", body.length), body]);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test("a check path that could be another directive is refused", async () => {
  const { client } = await start();
  const workload = { name: "web", port: 8_080, slotsPerColour: 1, checkPath: "/ok\n  bind :22" };
  const asked = client.ask("serve", { workloads: [workload] });
  await expect(asked).rejects.toThrow(/workloads\.0\.checkPath: give a path/);
});

test("a huge body is not read, whether its length is known or not", async () => {
  const world = await start();
  const bytes = VERBS.apply.bytesMax + 1;
  const known = await converse(world, [head("/v1/apply", bytes)]);
  expect(known.answer).toMatch(/^HTTP\/1.1 413 /);
  const chunk = "x".repeat(bytes);
  const chunked = `POST /v1/apply HTTP/1.1\r\nhost: lb1\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${chunk}`;
  const unknown = await converse(world, [chunked]);
  expect(unknown.answer).toMatch(/^HTTP\/1.1 413 /);
  const large = await converse(world, [`GET /${"x".repeat(10_000)} HTTP/1.1\r\n\r\n`]);
  expect(large.answer).toMatch(/^HTTP\/1.1 431 /);
});

test("clients that never finish the handshake, the head or the body are disconnected", async () => {
  const world = await start();
  const handshake = new Promise((resolve) => {
    const socket = connectTcp(world.port, HOST);
    socket.on("error", () => undefined);
    socket.on("close", resolve);
  });
  const [unfinishedHead, unfinishedBody] = await Promise.all([
    converse(world, ["POST /v1/read HTTP/1.1\r\nhost: lb1\r\n"]),
    converse(world, [head("/v1/read", 100), "{"]),
    handshake,
  ]);
  expect(unfinishedHead.answer).toMatch(/^HTTP\/1.1 408 /);
  expect(unfinishedBody.answer).toMatch(/^(?:HTTP\/1.1 408 |$)/);
  expect(await world.client.ask("read", { workload: "web" })).toEqual(VIEW);
}, 60_000);

test("new certificates are used without a restart, at both ends, and wrong files change nothing", async () => {
  const world = await start();
  const { client, own, authority } = world;
  const files = new CertificateFiles(authority, CONTROL_PLANE_FILES);
  using watching = files.watch({ onChange: () => undefined, onError: () => undefined });
  expect(watching).toBeDefined();
  const watched = new AgentClient({ node: "lb1", host: HOST, port: world.port }, files);
  onTestFinished(() => watched.close());
  await watched.ask("version", {});
  const before = watched.certificate?.serialNumber;
  const { certificate } = files.current;
  replaceFile(certificateIn(own, NODE_FILES), "nonsense");
  await watched.ask("version", {});
  const [made = ""] = await makeCertificates(authority, ["lb1"], systemClock.nowMs());
  await makeCertificates(authority, [], systemClock.nowMs());
  await cp(made, own, { recursive: true });
  await expect
    .poll(async () => {
      // A connection that is kept has the certificate of its handshake.
      const fresh = clientFor("lb1", world);
      await fresh.ask("version", {});
      return fresh.certificate?.serialNumber;
    }, WAIT)
    .not.toBe(before);
  await expect.poll(() => files.current.certificate, WAIT).not.toBe(certificate);
  await watched.ask("version", {});
  await expect(client.ask("version", {})).resolves.toMatchObject({ node: "lb1" });
});

test("keys are private, and certificates that end soon are warned about", async () => {
  const { authority } = await start();
  for (const file of [keyIn(authority, "ca"), keyIn(authority, CONTROL_PLANE_FILES)]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(statSync(keyIn(path.join(authority, "nodes", "lb1"), NODE_FILES)).mode & 0o777).toBe(
    0o600,
  );
  const listed = listCertificates(authority);
  expect(listed.map(({ name }) => name)).toEqual(["authority", "control plane", "lb1"]);
  const [, control] = listed;
  if (control === undefined) throw new Error("it is not listed");
  const nowMs = systemClock.nowMs();
  const day = 24 * 3_600_000;
  expect(expiryWarning(control.certificate, nowMs)).toBeUndefined();
  expect(expiryWarning(control.certificate, nowMs + 340 * day)).toMatch(/ends on \d{4}-/);
  expect(expiryWarning(control.certificate, nowMs + 400 * day)).toMatch(/has ended on/);
  await expect(makeCertificates(authority, ["../lb1"], nowMs)).rejects.toThrow(/no name of a node/);
});
