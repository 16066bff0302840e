import type { Batch } from "../batch.ts";
import type { TextField } from "../fields.ts";
import type { Format } from "../format.ts";
import { putPriority } from "../formats/put-priority.ts";
import { fillFields } from "../header-fields.ts";
import { containerOfPath } from "./container-path.ts";
import type { Unwrapped } from "./unwrap.ts";

type Context = {
  /** The path of the stream, which may name the container. */
  path: string;
  /** The format of the line; undefined if it is quarantined. */
  format: Format | undefined;
};

/** Writes what the envelope of a line states into the open row, unless the line states it itself. */
export function putOrigin(batch: Batch, origin: Unwrapped, { path, format }: Context): void {
  const ofPath = origin.isContainer ? containerOfPath(path) : undefined;
  put(batch, "log.iostream", origin.stream);
  put(batch, "container.name", origin.container ?? ofPath?.name);
  put(batch, "container.id", ofPath?.id);
  if (origin.fields) fillFields(batch, origin.fields, { from: batch.rows, to: batch.rows + 1 });
  if (format?.readsHeader === true) return;
  if (origin.priority) putPriority(batch, origin.priority);
  put(batch, "host.name", origin.host);
  put(batch, "host.hostname", origin.host);
  put(batch, "process.name", origin.process);
  const pids = batch.number("process.pid");
  if (origin.pid !== undefined && Number.isNaN(pids.values[batch.rows])) {
    pids.put(batch.rows, origin.pid);
  }
}

function put(batch: Batch, field: TextField, value: string | undefined): void {
  if (value === undefined) return;
  const column = batch.text(field);
  if (column.ids[batch.rows] === 0) column.putText(batch.rows, value);
}
