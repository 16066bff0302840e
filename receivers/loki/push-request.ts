import protobuf from "protobufjs";
import { uncompress } from "snappyjs";
import { z } from "zod";

import { decodeBounded } from "#platform/bounded-protobuf.ts";
import { AppError } from "#platform/errors.ts";
import { checkObjectCount } from "#platform/http/bounded-json.ts";
import { listOf } from "#platform/list-of.ts";

import { type Labels, parseLabels } from "./labels.ts";

/** An entry of a stream. `ns`: nanoseconds since 1970. */
export type LokiEntry = { ns: bigint; line: string; metadata: Labels };
export type LokiStream = { labels: Labels; entries: LokiEntry[] };

/** logproto.PushRequest with the fields in use. Numbers and types are those of the published .proto file. */
const root = protobuf.Root.fromJSON({
  nested: {
    PushRequest: { fields: { streams: { rule: "repeated", type: "Stream", id: 1 } } },
    Stream: {
      fields: {
        labels: { type: "string", id: 1 },
        entries: { rule: "repeated", type: "Entry", id: 2 },
      },
    },
    Entry: {
      fields: {
        timestamp: { type: "Timestamp", id: 1 },
        line: { type: "string", id: 2 },
        structuredMetadata: { rule: "repeated", type: "LabelPair", id: 3 },
      },
    },
    Timestamp: { fields: { seconds: { type: "int64", id: 1 }, nanos: { type: "int32", id: 2 } } },
    LabelPair: { fields: { name: { type: "string", id: 1 }, value: { type: "string", id: 2 } } },
  },
});
const PushRequest = root.lookupType("PushRequest");

const Decoded = z.object({
  streams: listOf(
    z.object({
      labels: z.string().default(""),
      entries: listOf(
        z.object({
          timestamp: z
            .object({ seconds: z.string().default("0"), nanos: z.int().default(0) })
            .optional(),
          line: z.string().default(""),
          structuredMetadata: listOf(
            z.object({ name: z.string().default(""), value: z.string().default("") }),
          ).default([]),
        }),
      ).default([]),
    }),
  ).default([]),
});

/** A snappy block of a protobuf request. @throws AppError bad_request, or too_large */
export function streamsInProtobuf(body: Buffer, bytesMax: number): LokiStream[] {
  const message = decoded(unpacked(body, bytesMax));
  return message.streams.map(({ labels, entries }) => {
    const parsed = parseLabels(labels);
    if (!parsed) throw invalidLabels(labels);
    return {
      labels: parsed,
      entries: entries.map(({ timestamp, line, structuredMetadata }) => ({
        ns: timestamp ? BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(timestamp.nanos) : 0n,
        line,
        metadata: Object.fromEntries(structuredMetadata.map(({ name, value }) => [name, value])),
      })),
    };
  });
}

function unpacked(body: Buffer, bytesMax: number): Buffer {
  try {
    const { buffer, byteOffset, length } = uncompress(body, bytesMax);
    return Buffer.from(buffer, byteOffset, length);
  } catch (error) {
    const isLarge = error instanceof Error && error.message.includes("too big");
    const message = isLarge
      ? `The body is larger than ${bytesMax} bytes when it is unpacked.`
      : "The body is not valid snappy.";
    throw new AppError(isLarge ? "too_large" : "bad_request", message, { cause: error });
  }
}

function decoded(bytes: Buffer): z.output<typeof Decoded> {
  try {
    return Decoded.parse(
      PushRequest.toObject(decodeBounded(PushRequest, bytes), { longs: String }),
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("bad_request", "The body is not a PushRequest of Loki.", { cause: error });
  }
}

const Text = z.record(z.string(), z.string());
const JsonBody = z.object({
  streams: listOf(
    z.object({
      stream: Text.default({}),
      values: listOf(
        z.union([z.tuple([z.string(), z.string()]), z.tuple([z.string(), z.string(), Text])]),
      ),
    }),
  ),
});

/** @throws AppError bad_request that names the invalid field */
export function streamsInJson(body: Buffer): LokiStream[] {
  const parsed = JsonBody.safeParse(jsonIn(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError("bad_request", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data.streams.map(({ stream, values }, number) => ({
    labels: stream,
    entries: values.map(([ns, line, metadata = {}], at) => {
      if (/^\d{1,19}$/.test(ns)) return { ns: BigInt(ns), line, metadata };
      const path = `streams.${number}.values.${at}.0`;
      throw new AppError("bad_request", `${path}: give the time in nanoseconds as a text`);
    }),
  }));
}

function jsonIn(body: Buffer): unknown {
  checkObjectCount(body);
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new AppError("bad_request", "The body is not JSON.", { cause: error });
  }
}

const invalidLabels = (labels: string): AppError =>
  new AppError("bad_request", `error parsing labels ${JSON.stringify(labels.slice(0, 200))}`);
