import { once } from "node:events";
import { stderr, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { z } from "zod";

import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import { detectFormat } from "#collectors/detect.ts";
import type { Format } from "#collectors/format.ts";
import { findFormat, FORMATS, formatNamed } from "#collectors/formats/index.ts";
import { nested } from "#collectors/nested.ts";
import { type Document, type ParseOptions, Parser, type RowProcessing } from "#collectors/parse.ts";
import { compressionIn } from "#collectors/sources/files/file-kind.ts";
import { zoneOf } from "#collectors/zone.ts";
import { quarantineRow } from "#pipeline/ingest/quarantine.ts";
import { BatchProcessor } from "#pipeline/processing/batch-processor.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printableJson } from "#platform/terminal.ts";

import { deriveRules } from "../rules.ts";
import { indexSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { documentTable } from "./document-table.ts";
import { gunzipped, gunzipStream } from "./gzip-input.ts";
import { environmentWith } from "./options.ts";
import { useFormatsOf } from "./user-formats.ts";

/** The format is detected from this much; from up to SAMPLE_BYTES_MAX if no format parses the first lines. */
const SAMPLE_BYTES = 64 * 1024;
const SAMPLE_BYTES_MAX = 1024 * 1024;
const NO_RULES: DeriveRules = { signIn: [], signOut: [] };
const OUTPUT_BYTES = 64 * 1024;
const FIRST_LINES_WAIT = "Paste log lines, then Ctrl-D:\n";

const OPTIONS = {
  dataset: { type: "string" },
  mode: { type: "string" },
  timezone: { type: "string" },
  batch: { type: "boolean", default: false },
  data: { type: "string" },
  table: { type: "boolean", default: false },
  all: { type: "boolean", default: false },
  processing: { type: "boolean", default: false },
} as const;

const BatchCase = z.object({
  id: z.union([z.number(), z.string()]),
  dataset: z.string(),
  mode: z.string().default("lines"),
  timezone: z.string().default("+00:00"),
  input_base64: z.string(),
});

const help = `Usage: quarterdeck parse [options] < FILE

Reads log lines and prints their ECS fields, one JSON document per line. A line that cannot be parsed is printed with
"event.kind": "pipeline_error" and the reason in error.message, as it would be kept in quarantine.

Options
  --dataset NAME   the kind of log, of all lines (default: detected from the content, line by line if there are several)
                   ${FORMATS.map((format) => format.dataset).join(", ")}
                   or the name of a format of yours (quarterdeck format list)
  --mode MODE      lines: each line is an event (the default with --dataset)
                   text: events may span lines, as in error logs and stack traces (the default without)
                   cloudtrail-gz: a compressed file of CloudTrail, each record of which is an event
  --timezone ZONE  zone of times without one, such as +02:00 or Europe/Berlin (default: QUARTERDECK_TIMEZONE, else that of
                   this machine); write negative offsets as --timezone=-05:00
  --data DIR       the data folder with your formats (default: QUARTERDECK_DATA, else ./data)
  --table          print a table (the default on a terminal)
  --all            also print the fields that Quarterdeck derives, such as http.route (always part of a table)
  --processing     apply what QUARTERDECK_PROCESSING configures: redaction, user agents, countries and networks (docs/processing.md);
                   events that rules would drop are printed, and identifiers are not hashed
  --batch          for programs: one JSON object per line as input, {"id","dataset","mode","timezone","input_base64"},
                   and one per line as output, {"id","docs":[…]} or {"id","docs":[],"error":"…"}

Examples
  tail -1 /var/log/nginx/access.log | quarterdeck parse --table
  quarterdeck parse --dataset apache.error --mode text --timezone=+01:00 < error_log
  zcat access.log.2.gz | quarterdeck parse | grep pipeline_error
`;

export const parseCommand: Command = {
  name: "parse",
  summary: "Show the fields of log lines given on standard input",
  help,
  async run(args) {
    const options = await readOptions(args);
    if (options.batch) return runBatch();
    const asTable = options.table || stdout.isTTY;
    if (stdin.isTTY) stdout.write(FIRST_LINES_WAIT);
    await runStream(options, asTable);
    return 0;
  },
};

type Options = Omit<ParseOptions, "format" | "hasOthers"> & {
  format: Format | undefined;
  isGzip: boolean;
  batch: boolean;
  table: boolean;
};

async function readOptions(args: string[]): Promise<Options> {
  const values = parsedArgs(args);
  const { batch, table, all, dataset, processing } = values;
  if (dataset !== undefined && !findFormat(dataset)) {
    const groups = { data: dataFolderSettings };
    await useFormatsOf(parseSettings(groups, environmentWith(values)).data.dataFolder);
  }
  return {
    format: dataset === undefined ? undefined : formatNamed(dataset),
    mode: modeOf(values.mode ?? (dataset === undefined ? "text" : "lines")),
    isGzip: values.mode === GZIP_MODE,
    zone: zoneOf(values.timezone ?? configured().timezone),
    nowMs: Date.now(),
    // Without derived fields, the documents can be compared with those of Elastic's modules.
    rules: all || table || stdout.isTTY ? configuredRules() : NO_RULES,
    processing: processing ? configuredProcessing() : undefined,
    batch,
    table,
    all: all || processing,
  };
}

/** Of what is configured, what changes single events. */
function configuredProcessing(): RowProcessing {
  const settings = configured();
  const processing = { ...settings.processing, drop: [], sample: [], hash: [] };
  return {
    open: (batch) => new BatchProcessor(batch, { rules: deriveRules(settings), processing }),
    quarantine: quarantineRow,
  };
}

function configuredRules(): DeriveRules {
  return deriveRules(configured());
}

function configured() {
  return parseSettings({ index: indexSettings }, process.env).index;
}

function parsedArgs(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError("bad_request", `${why} (see quarterdeck parse --help)`, {
      cause: error,
    });
  }
}

/** CloudTrail's files are compressed, and have an event for each of their records. */
const GZIP_MODE = "cloudtrail-gz";

function modeOf(mode: string): "lines" | "text" {
  if (mode === "lines" || mode === "text") return mode;
  if (mode === GZIP_MODE) return "lines";
  throw new AppError("bad_request", `mode "${mode}": use lines, text or ${GZIP_MODE}`);
}

const warn = (message: string): void => void stderr.write(`quarterdeck: ${message}\n`);

async function runStream(options: Options, asTable: boolean): Promise<void> {
  const output = openOutput();
  let sample: Buffer = Buffer.alloc(0);
  let parser = options.format
    ? new Parser({ ...options, format: options.format, all: options.all || asTable })
    : undefined;
  const take = async (documents: Iterable<Document>): Promise<void> => {
    for (const document of documents) {
      await output.write(
        asTable ? documentTable(document) : `${printableJson(nested(document))}\n`,
      );
    }
  };
  const begin = (format: Format): Parser =>
    (parser = new Parser({ ...options, format, hasOthers: true, all: options.all || asTable }));
  for await (const chunk of options.isGzip ? gunzipStream(stdin, warn) : stdin) {
    const bytes = Buffer.from(chunk);
    if (parser) await take(parser.push(bytes));
    else {
      sample = Buffer.concat([sample, bytes]);
      const format = formatOf(sample);
      if (format) await take(begin(format).push(sample));
    }
  }
  if (!parser && sample.length > 0) await take(begin(detected(sample)).push(sample));
  if (parser) await take(parser.end());
  await output.end();
}

/** The format; undefined if more lines are needed. */
function formatOf(sample: Uint8Array): Format | undefined {
  if (sample.length < SAMPLE_BYTES) return undefined;
  return sample.length < SAMPLE_BYTES_MAX ? detectFormat(sample).format : detected(sample);
}

function detected(sample: Uint8Array): Format {
  refuseCompressed(sample);
  const found = detectFormat(sample);
  if (found.format) return found.format;
  const tried = found.tried.map(({ dataset, reason }) => `\n  ${dataset}: ${reason}`).join("");
  throw new AppError(
    "bad_request",
    `no known format in these lines; name one with --dataset. Tried:${tried}`,
  );
}

/** @throws AppError if the input is not text, with what to do */
function refuseCompressed(sample: Uint8Array): void {
  const compression = compressionIn(Buffer.from(sample), "");
  if (compression === undefined) return;
  const tool = compression === "gzip" ? "zcat" : "zstdcat";
  throw new AppError(
    "bad_request",
    `standard input is compressed with ${compression}: decompress it (${tool} FILE | quarterdeck parse)`,
  );
}

/** Batches small writes, and waits while the reader is slow. */
function openOutput(): { write(text: string): Promise<void>; end(): Promise<void> } {
  let held: string[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    const text = held.join("");
    held = [];
    heldBytes = 0;
    if (text !== "" && !stdout.write(text)) await once(stdout, "drain");
  };
  return {
    async write(text) {
      held.push(text);
      heldBytes += text.length;
      if (heldBytes >= OUTPUT_BYTES) await flush();
    },
    end: flush,
  };
}

async function runBatch(): Promise<number> {
  const output = openOutput();
  for await (const line of createInterface({ input: stdin, crlfDelay: Infinity })) {
    if (line.trim() === "") continue;
    await output.write(`${printableJson(batchAnswer(line))}\n`);
  }
  await output.end();
  return 0;
}

type BatchAnswer = { id: number | string | null; docs: Document[]; error?: string };

/** A failed case is answered with its error and does not affect the others. */
function batchAnswer(line: string): BatchAnswer {
  let id: BatchAnswer["id"] = null;
  try {
    const testCase = BatchCase.parse(JSON.parse(line));
    ({ id } = testCase);
    const format = formatNamed(testCase.dataset);
    const mode = modeOf(testCase.mode);
    const zone = zoneOf(testCase.timezone);
    const nowMs = Date.now();
    const parser = new Parser({ format, mode, zone, nowMs, all: false, rules: NO_RULES });
    const raw = Buffer.from(testCase.input_base64, "base64");
    const input = testCase.mode === GZIP_MODE ? gunzipped(raw) : raw;
    return { id, docs: [...parser.push(input), ...parser.end()].map(nested) };
  } catch (error) {
    const known =
      error instanceof AppError || error instanceof SyntaxError || error instanceof z.ZodError;
    if (!known) throw error;
    const text = error instanceof z.ZodError ? z.prettifyError(error) : error.message;
    return { id, docs: [], error: text };
  }
}
