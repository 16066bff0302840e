import type { DatasetTraits, Format } from "#collectors/format.ts";

import { OPEN_BRACE, textOf } from "../bytes.ts";
import { onlyAfter, openTextLine, type RowWriter } from "../text-line.ts";
import { DATABASE_TRAITS } from "../traits.ts";
import { readJson } from "./json.ts";
import { isTextHead, readText } from "./text.ts";

const TRAITS: DatasetTraits = { ...DATABASE_TRAITS, "event.type": undefined };
const JSON_HEAD = /^\{ ?"t": ?\{ ?"\$date"/;
const HEAD_CHARS_MAX = 256;
const OWN_FIELD = /^(?:mongodb\.log\.(?:attr|query)\.|db\.query\.|error\.|event\.duration$)/;
const NO_HEAD = "not a MongoDB line: neither JSON nor a time at its beginning";
/** Characters with which its lines begin. */
const FIRST = "0123456789{FMSTW";

/** The log of MongoDB: JSON since 4.4, text before. */
export const mongodbLog: Format = {
  dataset: "mongodb.log",
  title: "MongoDB log",
  requests: "none",
  hasAnyText: true,
  traits: TRAITS,
  detection: { path: /mongo/i, evidence: () => 2 },
  usualPaths: ["/var/log/mongodb/*.log", "/opt/homebrew/var/log/mongodb/*.log"],
  related: { "related.user": ["user.name"], "related.ip": ["source.ip"] },
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  begins(bytes, start, end) {
    const text = textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX));
    return bytes[start] === OPEN_BRACE ? JSON_HEAD.test(text) : isTextHead(text);
  },
  toElastic(document) {
    for (const name of Object.keys(document)) if (OWN_FIELD.test(name)) delete document[name];
    const isJson = String(document["event.original"]).startsWith("{");
    const isSignIn = Array.isArray(document["event.category"])
      ? document["event.category"].includes("authentication")
      : false;
    const { "source.address": address, "source.port": port } = document;
    if (typeof address !== "string" || typeof port !== "number") return;
    // Elastic's module keeps the port in the address, and reads no peers of other messages in text.
    document["source.address"] = `${address}:${port}`;
    if (isJson || isSignIn) return;
    for (const name of ["source.address", "source.ip", "source.port", "related.ip"])
      delete document[name];
  },
};

function read(text: string, row: RowWriter): string | undefined {
  if (text.charCodeAt(0) !== OPEN_BRACE) return readText(text, row);
  return JSON_HEAD.test(text.slice(0, HEAD_CHARS_MAX)) ? readJson(text, row) : NO_HEAD;
}
