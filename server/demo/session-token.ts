import { createHmac, timingSafeEqual } from "node:crypto";

import type { Session } from "./site.ts";

const TOKEN_BYTES_MAX = 512;

/** A session as a signed cookie value that every instance can read. */
export function signSession(session: Session, secret: string): string {
  const payload = Buffer.from(`${session.user} ${session.items}`).toString("base64url");
  return `${payload}.${signature(payload, secret).toString("base64url")}`;
}

/** The session in a Cookie header; undefined when there is none or its signature is invalid. */
export function readSession(cookies: string | undefined, secret: string): Session | undefined {
  const token = /(?:^|;\s*)sid=([\w-]+)\.([\w-]+)/.exec(cookies ?? "");
  const [whole, payload = "", sign = ""] = token ?? [];
  if (!whole || whole.length > TOKEN_BYTES_MAX) return undefined;
  const given = Buffer.from(sign, "base64url");
  const expected = signature(payload, secret);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const [user = "", items = ""] = Buffer.from(payload, "base64url").toString().split(" ");
  return { user, items: Number(items) };
}

const signature = (payload: string, secret: string): Buffer =>
  createHmac("sha256", secret).update(payload).digest();
