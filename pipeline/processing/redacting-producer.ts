import { unpackedLines } from "#collectors/packed/packed-documents.ts";
import { SecretFinder } from "#collectors/redaction/find-secrets.ts";
import { replacementOf, type SecretKind } from "#collectors/redaction/kinds.ts";
import { OpenKeys, withoutParts } from "#collectors/redaction/open-keys.ts";
import { redacted, redactedText } from "#collectors/redaction/redact.ts";

import type { BusProducer, BusRecord } from "../bus/port.ts";
import { allKinds, type Processing, redactionRules } from "./processing.ts";

const LF = 0x0a;
const DATASET = /"data_stream\.dataset":"([^"\\]{1,200})"/;

/**
 * A producer whose records are redacted before they are written to the bus. A line whose dataset is not known yet, because its
 * sender does not name it, is redacted by all rules.
 */
export function redactingProducer(
  bus: BusProducer & AsyncDisposable,
  processing: Processing,
): BusProducer & AsyncDisposable {
  if (processing.redact.length === 0) return bus;
  const redact = recordRedactor(processing);
  return {
    append: (...records) => bus.append(...records.map(redact)),
    recent: () => bus.recent(),
    check: (share) => bus.check(share),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}

function recordRedactor(processing: Processing): (record: BusRecord) => BusRecord {
  const kindsOf = redactionRules(processing);
  const all = allKinds(processing);
  const openKeys = new OpenKeys();
  const finders = new Map<string, SecretFinder>();
  const finderOf = (dataset: string | undefined): SecretFinder => {
    const kinds: readonly SecretKind[] = dataset === undefined ? all : kindsOf(dataset);
    const key = kinds.join();
    let finder = finders.get(key);
    if (!finder) finders.set(key, (finder = new SecretFinder(new Set(kinds))));
    return finder;
  };
  return (record) => {
    const { header, lines } = asDocuments(record);
    const named = finderOf(header.dataset);
    // The dataset in a document gives way to that of the line which its message is.
    const hasFinal = header.dataset === undefined && header.message === undefined;
    const fields = Object.entries(header.fields).map(([name, value]) => [
      name,
      redactedText(named, value),
    ]);
    const stream = `${header.source ?? ""}\n${header.stream ?? ""}`;
    const parts = linesOf(lines).map((line) => {
      const own = hasFinal ? DATASET.exec(line.toString("latin1"))?.[1] : undefined;
      const dataset = header.dataset ?? own;
      const kinds = dataset === undefined ? all : kindsOf(dataset);
      const kept = redacted(finderOf(dataset), line);
      if (!kinds.includes("key") || (kept === undefined && openKeys.isEmpty)) return kept ?? line;
      return withoutOpenKey(openKeys, stream, { line, kept });
    });
    return {
      header: { ...header, fields: Object.fromEntries(fields) },
      lines: Buffer.concat(parts),
    };
  };
}

/** The line, redacted also if it is one of a key that began in an earlier line of the stream. */
function withoutOpenKey(
  openKeys: OpenKeys,
  stream: string,
  { line, kept }: { line: Buffer; kept: Buffer | undefined },
): Buffer {
  const parts = openKeys.partsOf(stream, line);
  if (kept) openKeys.note(stream, line);
  const text = (kept ?? line).toString("latin1");
  const rest = withoutParts(text, parts, replacementOf("key"));
  return rest === undefined ? (kept ?? line) : Buffer.from(rest, "latin1");
}

/** Secrets are looked for in whole documents, where names precede values. */
function asDocuments({ header: { packed, ...header }, lines }: BusRecord): BusRecord {
  if (!packed) return { header, lines };
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
  return { header, lines: Buffer.concat([...unpackedLines(packed, bytes)]) };
}

/** Each with its line end. */
function linesOf(bytes: Uint8Array): Buffer[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lines: Buffer[] = [];
  for (let from = 0; from < all.length;) {
    const end = all.indexOf(LF, from);
    const to = end < 0 ? all.length : end + 1;
    lines.push(all.subarray(from, to));
    from = to;
  }
  return lines;
}
