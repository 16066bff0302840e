import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { z } from "zod";

import { DATASET, DATASET_HINT } from "#pipeline/dataset-names.ts";
import { AppError } from "#platform/errors.ts";
import { checkObjectCount } from "#platform/http/bounded-json.ts";
import { listOf } from "#platform/list-of.ts";

const REQUEST_ID_CHARACTERS_MAX = 256;
/** Firehose sends 10,000. */
const RECORDS_MAX = 100_000;
const LABEL_NAME_CHARACTERS_MAX = 256;
const COMMON_ATTRIBUTES = "x-amz-firehose-common-attributes";
const SOURCE_ARN = "x-amz-firehose-source-arn";
const STREAM_ARN = /^arn:aws[a-z-]*:firehose:([a-z0-9-]+):(\d{12}):deliverystream\/([\w.-]{1,64})$/;

const Body = z.object({
  requestId: z.string().min(1).max(REQUEST_ID_CHARACTERS_MAX),
  records: z
    .custom<unknown[]>((it) => Array.isArray(it) && it.length <= RECORDS_MAX, {
      error: `give a list of at most ${RECORDS_MAX} records`,
    })
    .pipe(listOf(z.object({ data: z.string() }))),
});
const Attributes = z.object({
  // Not z.record, which drops a name __proto__; AWS allows texts only.
  commonAttributes: z.custom<Readonly<Record<string, string>>>(
    (it) =>
      typeof it === "object" &&
      it !== null &&
      Object.values(it).every((value) => typeof value === "string"),
  ),
});

export type FirehoseRequest = {
  requestId: string;
  /** The data of each record, in base64. */
  records: string[];
  /** The same for the same records, which are sent again with the same id. */
  identity: string;
};

/** What the headers of a request tell about its records. */
export type FirehoseOrigin = {
  /** Name of the Firehose stream; empty if it is not known. */
  stream: string;
  /** ECS fields of every event. */
  fields: Readonly<Record<string, string>>;
  dataset: string | undefined;
};

/** @throws AppError bad_request */
export function firehoseRequest(body: Buffer): FirehoseRequest {
  checkObjectCount(body);
  const parsed = Body.safeParse(parseJson(body.toString(), "The body"));
  if (!parsed.success) throw invalid("The body", parsed.error);
  const { requestId, records } = parsed.data;
  const data = records.map((record) => record.data);
  const sum = createHash("sha256");
  for (const text of data) sum.update(text).update(" ");
  const identity = `${requestId} ${sum.digest("hex").slice(0, 32)}`;
  return { requestId, records: data, identity };
}

/**
 * The stream, its account and region, and the parameters that its owner added (common attributes): `dataset` names the
 * dataset, the others are labels.
 * @throws AppError bad_request
 */
export function firehoseOrigin(headers: IncomingHttpHeaders): FirehoseOrigin {
  const arn = String(headers[SOURCE_ARN] ?? "");
  const [, region, account, stream = ""] = STREAM_ARN.exec(arn) ?? [];
  const fields: Record<string, string> = { "cloud.provider": "aws" };
  if (region !== undefined) fields["cloud.region"] = region;
  if (account !== undefined) fields["cloud.account.id"] = account;
  if (stream !== "") fields["aws.firehose.arn"] = arn;
  const { dataset, ...labels } = attributesIn(headers[COMMON_ATTRIBUTES]);
  for (const [name, value] of Object.entries(labels)) {
    const label = name.slice(0, LABEL_NAME_CHARACTERS_MAX).replaceAll(/[^\w.-]/g, "_");
    fields[`labels.${label}`] = value;
  }
  if (dataset !== undefined && !DATASET.test(dataset)) {
    throw new AppError("bad_request", `The common attribute dataset: ${DATASET_HINT}.`);
  }
  return { stream, fields, dataset };
}

function attributesIn(header: string | string[] | undefined): Readonly<Record<string, string>> {
  if (header === undefined || header === "") return {};
  const name = `The header ${COMMON_ATTRIBUTES}`;
  const parsed = Attributes.safeParse(parseJson(String(header), name));
  if (!parsed.success) throw invalid(name, parsed.error);
  return parsed.data.commonAttributes;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError("bad_request", `${what} is not JSON.`, { cause: error });
  }
}

function invalid(what: string, { issues }: z.ZodError): AppError {
  const [first] = issues;
  const field = first?.path.join(".") ?? "";
  const message = `${what} is not that of Amazon Data Firehose: ${field}: ${first?.message ?? ""}`;
  return new AppError("bad_request", message);
}
