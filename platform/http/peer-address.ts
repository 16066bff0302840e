import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

/**
 * The address of who sends a request. Behind the proxy that QUARTERDECK_URL announces, which runs on this machine, it
 * is the last entry of X-Forwarded-For: the proxy wrote that one, the ones before it anybody may have.
 */
export function peerAddress(context: Context, config: { publicUrl: string | undefined }): string {
  const peer = getConnInfo(context).remote.address ?? "unknown";
  const isLoopback = /^(?:127\.|::1$|::ffff:127\.)/.test(peer);
  if (config.publicUrl === undefined || !isLoopback) return peer;
  const forwarded = context.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  return forwarded === undefined || forwarded === "" ? peer : forwarded;
}
