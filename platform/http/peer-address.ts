import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

/**
 * The address of who sends a request. Behind the proxy that QUARTERDECK_URL announces, which runs on this machine, it
 * is the last entry of X-Forwarded-For: the proxy wrote that one, the ones before it anybody may have.
 */
export function peerAddress(context: Context, config: { publicUrl: string | undefined }): string {
  const peer = getConnInfo(context).remote.address ?? "unknown";
  if (config.publicUrl === undefined || !isLoopback(peer)) return peer;
  const forwarded = context.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  return forwarded === undefined || forwarded === "" ? peer : forwarded;
}

/** Whether an IP address is one of this machine's own. */
export const isLoopback = (address: string): boolean =>
  /^(?:127\.|::1$|::ffff:127\.)/.test(address);
