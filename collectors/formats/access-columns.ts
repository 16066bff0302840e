import type { Batch } from "../batch.ts";
import { EXTRA_FIELD } from "../fields.ts";
import type { NumberColumn } from "../number-column.ts";
import type { TextColumn } from "../text-column.ts";

/** The columns that access logs fill, looked up once for a batch. */
export type AccessColumns = {
  time: NumberColumn;
  status: NumberColumn;
  bodyBytes: NumberColumn;
  duration: NumberColumn;
  requestBytes: NumberColumn;
  address: TextColumn;
  user: TextColumn;
  method: TextColumn;
  url: TextColumn;
  version: TextColumn;
  referrer: TextColumn;
  userAgent: TextColumn;
  extras: TextColumn;
};

export function accessColumns(batch: Batch): AccessColumns {
  return {
    time: batch.number("@timestamp"),
    status: batch.number("http.response.status_code"),
    bodyBytes: batch.number("http.response.body.bytes"),
    duration: batch.number("event.duration"),
    requestBytes: batch.number("http.request.bytes"),
    address: batch.text("source.address"),
    user: batch.text("user.name"),
    method: batch.text("http.request.method"),
    url: batch.text("url.original"),
    version: batch.text("http.version"),
    referrer: batch.text("http.request.referrer"),
    userAgent: batch.text("user_agent.original"),
    extras: batch.text(EXTRA_FIELD),
  };
}

/** Fields of an event without a column. */
export class Extras {
  #values: Record<string, unknown> = {};
  #isEmpty = true;

  clear(): void {
    if (this.#isEmpty) return;
    this.#values = {};
    this.#isEmpty = true;
  }

  set(name: string, value: unknown): void {
    this.#values[name] = value;
    this.#isEmpty = false;
  }

  write(column: TextColumn, row: number): void {
    if (!this.#isEmpty) column.putText(row, JSON.stringify(this.#values));
  }
}
