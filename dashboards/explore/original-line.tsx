"use client";

import { useEffect, useState } from "react";

import { asProblem, send } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";
import { Copy } from "./field-tools.tsx";
import { lineOf, type StoredLine } from "./stored-line.ts";

const CHARACTERS_MAX = 2_000;
const NOT_FOUND = 404;
const NONE = "This event has no original line: it was stored by a version that did not keep it.";
const ESCAPED =
  "Bytes that are not UTF-8 are shown as \\xHH, also in the copied text. The downloaded line has the bytes.";

/** The original line of an event; `field` is the event's `event.original`. */
export function OriginalLine({ id, field }: { id: string; field: unknown }) {
  const url = `/api/event/original?id=${encodeURIComponent(id)}`;
  const stored = useStoredLine(url);
  if (stored === undefined) return null;
  const line = lineOf(stored, typeof field === "string" ? field : undefined);
  return (
    <section className="raw" data-testid="original-line">
      <h3>
        Original line{" "}
        {line.text === undefined ? null : <Copy label="Copy the original line" text={line.text} />}
        {stored.kind === "bytes" ? (
          <a href={url} download className="link">
            Download
          </a>
        ) : null}
      </h3>
      {line.text === undefined ? (
        <p className="quiet">{stored.kind === "failed" ? stored.message : NONE}</p>
      ) : (
        <pre>
          <Untrusted text={line.text} charactersMax={CHARACTERS_MAX} expandable />
        </pre>
      )}
      {line.isEscaped ? <p className="quiet">{ESCAPED}</p> : null}
      {line.sent === undefined ? null : (
        <>
          <h3>event.original, as it was sent</h3>
          <pre>
            <Untrusted text={line.sent} charactersMax={CHARACTERS_MAX} expandable />
          </pre>
        </>
      )}
    </section>
  );
}

/** Undefined while it loads. */
function useStoredLine(url: string): StoredLine | undefined {
  const [line, setLine] = useState<StoredLine>();
  useEffect(() => {
    const abort = new AbortController();
    send(url, { signal: abort.signal })
      .then((response) => response.arrayBuffer())
      .then(
        (bytes) => setLine({ kind: "bytes", bytes: new Uint8Array(bytes) }),
        (error: unknown) => {
          if (abort.signal.aborted) return;
          const { status, detail, title } = asProblem(error);
          const message = detail ?? title;
          setLine(status === NOT_FOUND ? { kind: "none" } : { kind: "failed", message });
        },
      );
    return () => abort.abort();
  }, [url]);
  return line;
}
