import { randomUUID } from "node:crypto";

import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from "jose";
import { z } from "zod";

import { systemClock } from "#platform/clock.ts";
import { ACCESS_TOKEN_ALGORITHM, AUDIENCE, tokenAuthenticator } from "#platform/http/tokens.ts";
import { newId } from "#platform/ids.ts";
import { silentLog } from "#platform/log.ts";

import { type Instance, startInstance } from "./instance.ts";
import { deriveKeys } from "./keys.ts";
import type { Service } from "./service.ts";
import { instanceSettings } from "./settings.ts";
import { dropDatabase, newServiceDatabase } from "./test-database.ts";

export const TEST_ROOT_KEY = "root-key-of-the-tests-0123456789abcdef";
const Line = z.record(z.string(), z.unknown());
const ISSUER = "http://accounts.test";

export type TestResponse = { status: number; headers: Headers; text: string; json: unknown };
export type Send = {
  /** Bearer token; undefined: anonymous. */
  as?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  /** For streams: disconnect after this time. */
  onlyMs?: number;
};

/** A service with its own real database, over real HTTP, with a clock that the test controls. */
export type TestService = Instance &
  AsyncDisposable & {
    /** Epoch ms; starts at the real time and is constant until the test changes it. */
    clock: { now: number };
    /** Its log lines, parsed. */
    lines: Record<string, unknown>[];
    root: string;
    /** An access token as Accounts would issue it. */
    token(claims: {
      sub?: string;
      sid?: string;
      scope?: string;
      expiresInS?: number;
    }): Promise<string>;
    send(method: string, path: string, options?: Send): Promise<TestResponse>;
  };

export type TestOptions = {
  /** Environment variables of the configuration. */
  env?: Record<string, string>;
  limit?: { burst: number; perSecond: number };
  /** Start the job runner. Default: jobs run when the test calls `runJobs`. */
  jobs?: boolean;
  /** Use the database of another test service, as its second instance. */
  databaseUrl?: string;
};

export async function testService(
  service: Service,
  options: TestOptions = {},
): Promise<TestService & { databaseUrl: string }> {
  const databaseUrl = options.databaseUrl ?? (await newServiceDatabase(service));
  const clock = { now: systemClock.nowMs() };
  const lines: Record<string, unknown>[] = [];
  const issuer = await testIssuer(() => clock.now);
  const instance = await startInstance(service, {
    ...instanceSettings(service, options.env ?? {}),
    databaseUrl,
    keys: deriveKeys(TEST_ROOT_KEY, service.secrets ?? []),
    port: 0,
    authenticate: issuer.authenticate,
    clock: { nowMs: () => clock.now },
    log: silentLog(),
    writeLine: (line) => void lines.push(Line.parse(JSON.parse(line))),
    limit: options.limit ?? { burst: 1e6, perSecond: 1e6 },
    jobs: options.jobs ?? false,
  });
  const stop = async (): Promise<void> => {
    await instance.stop();
    if (options.databaseUrl === undefined) await dropDatabase(databaseUrl);
  };
  return {
    ...instance,
    databaseUrl,
    clock,
    lines,
    root: TEST_ROOT_KEY,
    token: issuer.token,
    send: (method, path, send) => sendTo(instance.url, method, path, send),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function testIssuer(nowMs: () => number) {
  const { publicKey, privateKey } = await generateKeyPair(ACCESS_TOKEN_ALGORITHM);
  const jwk = { ...(await exportJWK(publicKey)), kid: "test", alg: ACCESS_TOKEN_ALGORITHM };
  const keys = createLocalJWKSet({ keys: [jwk] });
  return {
    authenticate: tokenAuthenticator({ keys, issuer: ISSUER, nowMs }),
    token: (claims: { sub?: string; sid?: string; scope?: string; expiresInS?: number }) => {
      const { sub = newId("acc"), expiresInS = 600, ...rest } = claims;
      const nowS = Math.floor(nowMs() / 1_000);
      return new SignJWT(rest)
        .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: "at+jwt", kid: "test" })
        .setSubject(sub)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setJti(randomUUID())
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + expiresInS)
        .sign(privateKey);
    },
  };
}

/** One request; `body` is sent as JSON unless it is a string or bytes. */
// oxlint-disable-next-line max-params
export async function sendTo(
  base: string,
  method: string,
  path: string,
  { as, body, headers = {}, onlyMs }: Send = {},
): Promise<TestResponse> {
  const raw =
    typeof body === "string" ? body : body instanceof Uint8Array ? Buffer.from(body) : undefined;
  const response = await fetch(new URL(path, base), {
    method,
    redirect: "manual",
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined || raw !== undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
  });
  const text = onlyMs === undefined ? await response.text() : await textWithin(response, onlyMs);
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
}

async function textWithin(response: Response, ms: number): Promise<string> {
  const reader = response.body?.getReader();
  const timer = setTimeout(() => void reader?.cancel(), ms);
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true });
  }
  clearTimeout(timer);
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
