import { isIP } from "node:net";

import type { RowWriter } from "../text-line.ts";

/** The host that a user is connected from, as an address or a name. */
export function putPeer(host: string | undefined, row: RowWriter): void {
  if (host === undefined || host === "" || host === "%") return;
  row.text("source.address", host);
  row.text(isIP(host) === 0 ? "source.domain" : "source.ip", host);
}

/** Values of related fields, as in Elastic's module. */
export const RELATED = { "related.user": ["user.name"], "related.ip": ["source.ip"] } as const;
