import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

import next from "next";

export type Pages = {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
};

/** The built Next.js app. */
export async function openPages(address: { host: string; port: number }): Promise<Pages> {
  const dir = fileURLToPath(new URL("..", import.meta.url));
  const app = next({ dev: false, dir, hostname: address.host, port: address.port });
  await app.prepare();
  const handler = app.getRequestHandler();
  return {
    handle: (request, response) => handler(request, response),
    close: () => app.close(),
  };
}
