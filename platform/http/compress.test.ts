import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { gunzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { compressed } from "./compress.ts";
import { type WholeResponse, wholeResponse } from "./response.ts";

const LONG = wholeResponse(200, "é".repeat(5_000), ["content-type", "application/json"]);

async function responseTo(accepted: string | undefined, response = LONG, method = "GET") {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  if (accepted !== undefined) request.headers["accept-encoding"] = accepted;
  const sent = await compressed(request, response);
  if (sent instanceof Response) throw new Error("it was a whole response");
  return sent;
}

const headerOf = ({ headers }: WholeResponse, name: string): string | undefined =>
  headers[headers.indexOf(name) + 1];

test.each(["gzip", "deflate, gzip;q=0.5, br", "*", "GZIP"])(
  "a long body is compressed for %s, with its new length",
  async (accepted) => {
    const sent = await responseTo(accepted);
    expect(gunzipSync(sent.text).toString()).toBe(LONG.text);
    expect(headerOf(sent, "content-encoding")).toBe("gzip");
    expect(headerOf(sent, "vary")).toBe("accept-encoding");
    expect(headerOf(sent, "content-length")).toBe(String(sent.bytes));
    expect(sent.bytes).toBeLessThan(LONG.bytes / 10);
    expect(sent.headers.filter((it) => it === "content-length")).toHaveLength(1);
  },
);

test.each([undefined, "", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip"])(
  "a client that accepts %j gets the body as it is",
  async (accepted) => expect(await responseTo(accepted)).toBe(LONG),
);

test("short bodies, responses to HEAD and streams are not compressed", async () => {
  const short = wholeResponse(200, "{}", []);
  expect(await responseTo("gzip", short)).toBe(short);
  expect(await responseTo("gzip", LONG, "HEAD")).toBe(LONG);
  const stream = new Response(new ReadableStream());
  const request = new IncomingMessage(new Socket());
  request.headers["accept-encoding"] = "gzip";
  expect(await compressed(request, stream)).toBe(stream);
});
