import { lookup } from "node:dns/promises";
import { BlockList } from "node:net";

import { AppError } from "#platform/errors.ts";

/** There clouds tell a machine its own credentials, and no log or database is. */
const METADATA = new BlockList();
METADATA.addSubnet("169.254.0.0", 16, "ipv4");
METADATA.addSubnet("fe80::", 10, "ipv6");
METADATA.addAddress("fd00:ec2::254", "ipv6");

/**
 * Refuses to connect to a host of the metadata service of a cloud, which members who may add sources must not reach through
 * the machine. Any other host may be that of a database or a bucket.
 * @throws AppError
 */
export async function refuseMetadata(host: string): Promise<void> {
  const found = await lookup(host, { all: true }).catch(() => []);
  if (found.some(({ address, family }) => METADATA.check(address, `ipv${family === 6 ? 6 : 4}`))) {
    throw new AppError("forbidden", `${host} is a link-local address, which sources may not reach`);
  }
}
