import { connect } from "node:net";

export type RawResponse = { status: number; headers: ReadonlyMap<string, string>; body: string };

const ANSWERED_MS_MAX = 10_000;

/**
 * Sends raw bytes; resolves with the responses when the server has closed the connection, which the bytes should
 * request. With `cutOff`, the sender closes it as soon as everything is sent.
 * @throws Error after ten seconds
 */
export function sendRaw(
  base: string,
  bytes: string | Buffer,
  { cutOff = false }: { cutOff?: boolean } = {},
): Promise<RawResponse[]> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    const shown = String(bytes).slice(0, 120);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${JSON.stringify(shown)} was not answered`));
    }, ANSWERED_MS_MAX);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A reset also ends the connection: the responses before it count.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(responsesIn(Buffer.concat(chunks).toString("latin1")));
    });
    socket.write(bytes, () => {
      if (cutOff) socket.destroy();
    });
  });
}

/** Splits responses by their content length; a response without one extends to the end. */
function responsesIn(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    const [first = "", ...lines] = rest.slice(0, end === -1 ? undefined : end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? Number.NaN);
    const headers = new Map(
      lines.map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
      }),
    );
    const after = end === -1 ? "" : rest.slice(end + 4);
    const length = status < 200 ? 0 : Number(headers.get("content-length") ?? after.length);
    responses.push({ status, headers, body: after.slice(0, length) });
    rest = after.slice(length);
  }
  return responses;
}
