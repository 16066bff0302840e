import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

import { expect, onTestFinished, test, vi } from "vitest";

import { AppError } from "#platform/errors.ts";

import { openCloudTrailApi } from "./cloudtrail-api.ts";
import { openQueueApi } from "./queue-api.ts";
import { openS3Api, type S3Api } from "./s3-api.ts";

/** Credentials and endpoint are in the environment. */
const ACCESS = { region: "eu-west-1", endpoint: undefined, credentials: undefined };

type Answer = { status: number; headers?: Record<string, string>; body?: string };

/** A server in the place of AWS. */
async function startAws(answer: (incoming: IncomingMessage) => Answer): Promise<string> {
  const server = createServer((incoming, response) => {
    const { status, headers, body } = answer(incoming);
    incoming.resume();
    response.writeHead(status, headers).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "b",
  })) {
    vi.stubEnv(name, value);
  }
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });
  return url;
}

const xmlError = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

async function openS3(): Promise<S3Api> {
  const api = await openS3Api(ACCESS);
  onTestFinished(() => api.close());
  return api;
}

const REF = { bucket: "logs", key: "a b/\u00fc?#%2F\n..", etag: undefined, size: undefined };
const { signal } = new AbortController();

test("a bucket in another region is read there", async () => {
  const regions: string[] = [];
  await startAws(({ headers }) => {
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "";
    regions.push(region);
    if (region === "eu-central-1") return { status: 200, headers: { etag: '"e"' }, body: "line\n" };
    const moved = { "x-amz-bucket-region": "eu-central-1" };
    return { status: 301, headers: moved, body: xmlError("PermanentRedirect") };
  });
  const { body, etag } = await (await openS3()).get(REF, { offset: 0 }, signal);
  expect([etag, await text(body)]).toEqual(["e", "line\n"]);
  expect(regions).toEqual(["eu-west-1", "eu-central-1"]);
});

test("any key is requested as it is", async () => {
  const urls: string[] = [];
  await startAws(({ url = "" }) => {
    urls.push(url);
    return { status: 200, headers: { etag: '"e"' } };
  });
  const api = await openS3();
  for (const key of [REF.key, "../../etc", "%252e", "a//b", " "]) {
    const { body } = await api.get({ ...REF, key }, { offset: 0 }, signal);
    body.destroy();
    expect(decodeURIComponent((urls.at(-1) ?? "").replace(/\?.*$/, ""))).toBe(`/logs/${key}`);
  }
});

test.each([
  [403, "AccessDenied", { why: "denied", message: expect.stringContaining("allow s3:GetObject") }],
  [404, "NoSuchKey", { why: "gone" }],
  [412, "PreconditionFailed", { why: "replaced" }],
  [
    403,
    "InvalidAccessKeyId",
    { code: "unavailable", message: expect.stringContaining("AWS_ACCESS_KEY_ID") },
  ],
  [403, "RequestTimeTooSkewed", { code: "unavailable", message: expect.stringContaining("clock") }],
])("an object that S3 refuses with %i %s", async (status, code, expected) => {
  await startAws(() => ({ status, body: xmlError(code) }));
  const api = await openS3();
  await expect(api.get(REF, { offset: 5, etag: "e" }, signal)).rejects.toMatchObject(expected);
});

test("the right that is missing is named", async () => {
  const url = await startAws(({ headers }) => {
    const isJson = headers["content-type"]?.includes("json");
    const body = JSON.stringify({ __type: "AccessDeniedException", message: "no" });
    return isJson === true
      ? { status: 400, body }
      : { status: 403, body: xmlError("AccessDenied") };
  });
  const api = await openS3();
  const queue = await openQueueApi(`${url}/1/logs`, ACCESS);
  const trail = await openCloudTrailApi("eu-west-1");
  onTestFinished(() => queue.close());
  onTestFinished(() => trail.close());
  const times = { waitSeconds: 0, visibilitySeconds: 1 };
  const range = { fromMs: 0, toMs: 1, next: undefined };
  const refused: [() => Promise<unknown>, string][] = [
    [() => api.list({ bucket: "logs", prefix: "", after: undefined }, signal), "s3:ListBucket"],
    [() => queue.receive(times, signal), "sqs:ReceiveMessage"],
    [() => queue.hide(["r"], 1), "sqs:ChangeMessageVisibility"],
    [() => queue.remove(["r"]), "sqs:DeleteMessage"],
    [() => trail.lookup(range, signal), "cloudtrail:LookupEvents"],
    [() => trail.publicKeys({ startMs: 0, endMs: 1 }), "cloudtrail:ListPublicKeys"],
  ];
  for (const [request, action] of refused) {
    const error = await request().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain(`allow ${action} in the policy`);
  }
});
