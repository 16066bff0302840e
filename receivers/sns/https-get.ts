import { AppError } from "#platform/errors.ts";

const WAIT_MS_MAX = 10_000;
const BODY_BYTES_MAX = 64 * 1024;

/** Requests a URL of SNS; returns the body. @throws AppError unavailable unless the answer is 200 */
export type HttpsGet = (url: string) => Promise<string>;

/** Follows no redirects: they could lead elsewhere. */
export const httpsGet: HttpsGet = async (url) => {
  const { host } = new URL(url);
  try {
    const signal = AbortSignal.timeout(WAIT_MS_MAX);
    const response = await fetch(url, { redirect: "error", signal });
    const bytes = await boundedBody(response);
    if (response.status !== 200) throw new Error(`the answer is ${response.status}`);
    return bytes.toString();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError("unavailable", `${host} cannot be used: ${why}`, { cause: error });
  }
};

async function boundedBody({ body }: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX)
      throw new Error(`the answer is larger than ${BODY_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
