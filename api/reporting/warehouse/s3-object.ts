import { createHash, createHmac } from "node:crypto";

import { AppError } from "#platform/errors.ts";

import type { PutObject } from "../repositories/redshift-warehouse.ts";

const WAIT_MS_MAX = 60_000;

type Credentials = {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
};
export type S3Options = {
  /** `s3://bucket/prefix` */
  address: string;
  region: string;
  /** Of another server than Amazon's; objects are then under /bucket/key. */
  endpoint: string | undefined;
  credentials(): Promise<Credentials>;
  nowMs(): number;
};

/** Puts objects below a prefix of a bucket. The same key again overwrites the same bytes. */
export function s3Put(options: S3Options): PutObject {
  const target = new URL(options.address);
  const bucket = target.hostname;
  const prefix = decodeURIComponent(target.pathname).replaceAll(/^\/|\/$/g, "");
  return async (name, bytes) => {
    const key = prefix === "" ? name : `${prefix}/${name}`;
    const url = objectUrl(options, bucket, key);
    const headers = signed({
      method: "PUT",
      url,
      headers: {},
      sha256: createHash("sha256").update(bytes).digest("hex"),
      region: options.region,
      credentials: await options.credentials(),
      nowMs: options.nowMs(),
    });
    const response = await fetch(url, {
      method: "PUT",
      headers,
      body: new Uint8Array(bytes),
      signal: AbortSignal.timeout(WAIT_MS_MAX),
    }).catch((error: unknown) => {
      throw new AppError("unavailable", `s3://${bucket} does not answer.`, { cause: error });
    });
    const text = await response.text();
    if (response.ok) return `s3://${bucket}/${key}`;
    const why = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? response.status;
    throw new AppError("unavailable", `s3://${bucket}/${key} cannot be written: ${why}`);
  };
}

function objectUrl({ endpoint, region }: S3Options, bucket: string, key: string): URL {
  const path = key.split("/").map(encodeRfc3986).join("/");
  if (endpoint === undefined)
    return new URL(`https://${bucket}.s3.${region}.amazonaws.com/${path}`);
  return new URL(`${endpoint.replace(/\/$/, "")}/${bucket}/${path}`);
}

type ToSign = {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** Of the body, in hex. */
  sha256: string;
  region: string;
  credentials: Credentials;
  nowMs: number;
};

/** The headers of a request to S3 with those of AWS Signature Version 4; `url` must have its path encoded. */
export function signed(request: ToSign): Record<string, string> {
  const { credentials, url } = request;
  const at = new Date(request.nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const day = at.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    "x-amz-content-sha256": request.sha256,
    "x-amz-date": at,
    ...(credentials.sessionToken === undefined
      ? {}
      : { "x-amz-security-token": credentials.sessionToken }),
  };
  const names = Object.keys(headers).toSorted();
  const canonical = [
    request.method,
    url.pathname,
    url.searchParams.toString(),
    ...names.map((name) => `${name}:${headers[name]?.trim() ?? ""}`),
    "",
    names.join(";"),
    request.sha256,
  ].join("\n");
  const scope = `${day}/${request.region}/s3/aws4_request`;
  const hashed = createHash("sha256").update(canonical).digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${at}\n${scope}\n${hashed}`;
  const key = [day, request.region, "s3", "aws4_request"].reduce<string | Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope},SignedHeaders=${names.join(";")},Signature=${signature}`,
  };
}

const encodeRfc3986 = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
