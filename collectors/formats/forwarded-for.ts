import type { FormatContext } from "../format.ts";
import type { AccessColumns, Extras } from "./access-columns.ts";
import { addressesIn, clientOf, isPublicIp } from "./address.ts";

/** The parts of an access line used here. */
type ForwardedLine = {
  columns: AccessColumns;
  context: FormatContext;
  extras: Extras;
  dialect: { vendor: string };
  row: number;
};

/**
 * Reads X-Forwarded-For, of which only addresses are kept. The client is taken from it if the peer that connected is a
 * proxy: one of the trusted ones, or without a setting one in a private network. Others could forge the header.
 */
export function putForwardedFor(line: ForwardedLine, value: string): void {
  const { columns, context, row } = line;
  const addresses = addressesIn(value);
  if (addresses.length === 0) return;
  const { vendor } = line.dialect;
  line.extras.set(`${vendor}.x_forwarded_for`, addresses);
  const id = columns.address.ids[row] ?? 0;
  const peer = id === 0 ? undefined : columns.address.text(id);
  const { trustedProxies } = context;
  const isProxy =
    peer === undefined ||
    (trustedProxies ? trustedProxies.has(peer) : !isPublicIp(peer) && addressesIn(peer).length > 0);
  if (!isProxy) return;
  const client = clientOf(peer === undefined ? addresses : [...addresses, peer], trustedProxies);
  if (client === undefined || client === peer) return;
  columns.address.putText(row, client);
  if (peer !== undefined) line.extras.set(`${vendor}.remote_addr`, peer);
}
