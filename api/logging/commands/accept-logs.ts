import type { BusRecord } from "#pipeline/bus/port.ts";
import { documentsOf } from "#pipeline/otlp/documents.ts";
import type { ExportRequest } from "#pipeline/otlp/messages.ts";
import { AppError, type FieldError } from "#platform/errors.ts";
import { type Caller, scopesOf } from "#platform/http/caller.ts";

import { judgeLines, LINES_MAX, type LineRefusal } from "../domain/batch.ts";
import { type Received, type Refusal, TOO_MANY_DATASETS } from "../domain/normalise.ts";
import type { Deps } from "./deps.ts";
import { WRITE } from "./read-scope.ts";

type Accepting = Pick<Deps, "bus" | "normalise" | "datasets">;
type From = { caller: Caller; nowMs: number };
export type Accepted = { accepted: number; refused: LineRefusal[] };

const receivedFrom = async (
  { datasets }: Accepting,
  { caller, nowMs }: From,
): Promise<Received> => ({
  nowMs,
  scope: scopesOf(caller, WRITE),
  datasets: await datasets.at(nowMs),
});

/** The normaliser's output format. */
const recordOf = (lines: readonly string[]): BusRecord => ({
  header: { format: "ecs", fields: {} },
  lines: Buffer.from(lines.map((it) => `${it}\n`).join("")),
});

/** Accepts one event, which is on disk when this resolves. @throws AppError that names the invalid field */
export async function acceptOne(
  deps: Accepting,
  { document, text }: { document: unknown; text: string },
  from: From,
): Promise<void> {
  const original = (): string => text;
  const judged = deps.normalise(document, { ...(await receivedFrom(deps, from)), original });
  if (!judged.ok) throw refusalOf([judged.refusal].map((it) => ({ ...it, path: "body" })));
  await deps.bus.append(recordOf([judged.line]));
}

/** Accepts the valid lines, which are on disk when this resolves. @throws AppError when there are too many, or none is valid */
export async function acceptBatch(
  deps: Accepting,
  body: Uint8Array,
  from: From,
): Promise<Accepted> {
  const verdict = judgeLines(body, deps.normalise, await receivedFrom(deps, from));
  if (verdict === "too many lines") throw tooMany();
  const { lines, refused } = verdict;
  if (lines.length === 0 && refused.length > 0) {
    throw refusalOf(refused.map((it) => ({ ...it, path: `lines.${it.line}` })));
  }
  await deps.bus.append(recordOf(lines));
  return { accepted: lines.length, refused };
}

/** Accepts the valid records, which are on disk when this resolves. */
export async function acceptOtlp(
  deps: Accepting,
  request: ExportRequest,
  from: From,
): Promise<Accepted> {
  const received = await receivedFrom(deps, from);
  const lines: string[] = [];
  const refused: LineRefusal[] = [];
  let count = 0;
  for (const { document, original, dataset } of documentsOf(request)) {
    count += 1;
    if (count > LINES_MAX) throw tooMany();
    document["data_stream.dataset"] ??= document["event.dataset"] ?? dataset;
    const judged = deps.normalise(document, { ...received, original });
    if (judged.ok) lines.push(judged.line);
    else refused.push({ line: count, ...judged.refusal });
  }
  await deps.bus.append(recordOf(lines));
  return { accepted: lines.length, refused };
}

const tooMany = (): AppError =>
  new AppError("too_large", `At most ${LINES_MAX} events at once: send them in several requests.`);

/** `forbidden` or `unprocessable` if every refusal is of this kind, otherwise `bad_request`. */
function refusalOf(refusals: readonly (Refusal & { path: string })[]): AppError {
  const fields: FieldError[] = refusals.slice(0, 50).map(({ path, field, code, message }) => ({
    path: field === "" ? path : `${path}.${field}`,
    code,
    message,
  }));
  const isEvery = (code: string): boolean => refusals.every((it) => it.code === code);
  const single = isEvery(TOO_MANY_DATASETS) ? "unprocessable" : "bad_request";
  const detail = fields.map((it) => `${it.path}: ${it.message}`).join("; ");
  return new AppError(isEvery("forbidden") ? "forbidden" : single, detail.slice(0, 2_000), {
    fields,
  });
}
