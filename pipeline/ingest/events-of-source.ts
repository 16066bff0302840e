import { matchesGlob, resolve } from "node:path";

import { filesKind } from "#collectors/configured/files-kind.ts";
import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import { LISTENER_FIELD, type Positions } from "#collectors/source.ts";
import { s3Kind } from "#collectors/sources/s3.ts";
import { AppError } from "#platform/errors.ts";

import type { StoreFilter } from "../filter.ts";
import { storedActivityIn, storedIn } from "./stored-formats.ts";

/** What is known of sources: those of the sources file, and the stored positions. */
type Known = { sources: readonly ConfiguredSource[]; positions: Positions };

/** A listener that a setting opens, such as `syslog+udp`. */
const LISTENER = /^[a-z]+\+[a-z]+$/;

/**
 * The stored events of a source, which is named as the list of sources names it, or of the files at a path or pattern.
 * @throws AppError bad_request with what to do, if there is no such source, or if its events cannot be told from others
 */
export function eventsOfSource(name: string, { sources, positions }: Known): StoreFilter {
  const source = sources.find(({ id }) => id === name);
  if (source) return eventsOfConfigured(source, positions);
  if (LISTENER.test(name)) return ofListener(name);
  if (name.startsWith("token/")) throw notToldApart(name);
  const streams = streamsOf(name, [name], positions);
  if (streams.length > 0) return ofStreams(streams);
  if (/[/*]/.test(name)) return ofPath(name);
  throw refusal(
    `there is no source ${name}: quarterdeck sources lists them, and files are named by their path`,
  );
}

function eventsOfConfigured(
  { id, kind, properties }: ConfiguredSource,
  positions: Positions,
): StoreFilter {
  if (!kind.hasLines) {
    throw refusal(`${id} is a source of kind ${kind.kind}, which has no lines that a format reads`);
  }
  if (kind.listener) return ofListener(id);
  if (kind.kind === filesKind.kind) {
    return ofStreams(streamsOf(id, filesKind.schema.parse(properties).paths, positions));
  }
  if (kind.kind !== s3Kind.kind) throw notToldApart(id);
  const { bucket, prefix } = s3Kind.schema.parse(properties);
  if (bucket === undefined) throw notToldApart(id);
  return ofPath(`s3://${bucket}/${prefix}*`);
}

/** The streams that were read from a source, or at one of these paths or patterns. */
function streamsOf(name: string, patterns: readonly string[], positions: Positions): string[] {
  const absolute = patterns.map((pattern) => resolve(pattern));
  return [...positions].flatMap(([id, position]) => {
    const { path } = storedIn(position);
    const isOf =
      storedActivityIn(position).source === name ||
      absolute.some((pattern) => path === pattern || (path !== "" && matchesGlob(path, pattern)));
    return isOf ? [id] : [];
  });
}

const ofStreams = (ids: readonly string[]): StoreFilter => [
  { field: "log.source.id", op: "one_of", values: ids },
];

const ofPath = (pattern: string): StoreFilter => [
  { field: "log.file.path", op: "like", value: pattern.replaceAll("**", "*") },
];

const ofListener = (name: string): StoreFilter => [
  { field: LISTENER_FIELD, op: "eq", value: name },
];

const notToldApart = (name: string): AppError =>
  refusal(
    `the stored events of ${name} cannot be told from those of other sources: name the path that they have in log.file.path instead`,
  );

const refusal = (message: string): AppError => new AppError("bad_request", message);
