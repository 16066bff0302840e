import { expect, test } from "vitest";

import { dropsOf } from "./kernel-drops.ts";

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1060: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6120 2 0000000000000000 17
 1061: 00000000:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6121 2 0000000000000000 3
 1070: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6122 2 0000000000000000 900
`;

test("the drops of the sockets on a port are summed", () => {
  expect(dropsOf(TABLE, 5514)).toBe(20);
  expect(dropsOf(TABLE, 53)).toBe(900);
  expect(dropsOf(TABLE, 5515)).toBe(0);
  expect(dropsOf("", 5514)).toBe(0);
});
