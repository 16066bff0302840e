import { io, type Socket } from "socket.io-client";
import { describe, expect, test } from "vitest";

import { PROBLEMS_NAMESPACE } from "#dashboards/api.ts";

import { createOwner, IS_BUILT, signInOwner, startControlPlane } from "../harness/control-plane.ts";
import { temporaryFolder, until } from "../harness/program.ts";

/** Much shorter than the interval at which permissions are examined again. */
const AT_ONCE_MS = 5_000;

describe.runIf(IS_BUILT)("a session that ends", () => {
  test("closes its sockets at once, and only its own", async () => {
    await using folder = await temporaryFolder();
    await using server = await startControlPlane(["--data", folder.path]);
    const [ending, staying] = [await createOwner(server), await signInOwner(server.url)];
    const open = (cookie: string): Socket[] =>
      ["/", PROBLEMS_NAMESPACE].map((namespace) =>
        io(server.url + namespace, {
          path: "/socket",
          extraHeaders: { cookie },
          transports: ["websocket"],
          forceNew: true,
          reconnection: false,
        }),
      );
    const [ended, kept] = [open(ending), open(staying)];
    await until("all sockets", () => [...ended, ...kept].every((it) => it.connected));
    await fetch(`${server.url}/api/session`, { method: "DELETE", headers: { cookie: ending } });
    await until("the end of its sockets", () => ended.every((it) => !it.connected), AT_ONCE_MS);
    expect(kept.every((it) => it.connected)).toBe(true);
    for (const socket of kept) socket.close();
  });
});
