import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import { io } from "socket.io-client";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { Board, PROBLEMS_NAMESPACE } from "#dashboards/api.ts";

import { createOwner, inDatabase, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { runProgram, temporaryFolder, until } from "../harness/program.ts";
import { FREE_API_PORTS } from "../harness/service.ts";

const Items = z.object({ items: z.array(z.unknown()) });
const LISTS = {
  accounts: "/v1/accounts",
  billing: "/v1/customers",
  management: "/v1/applications",
};
const WAIT_MS = 90_000;

/** Files of a folder, at any depth. */
const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((it) => it.isFile())
        .map((it) => path.join(it.parentPath, it.name))
    : [];

describe.runIf(IS_BUILT)("turning the demo off", () => {
  test(
    "leaves nothing of it in the store, the bus, the APIs and the mails, and open pages are told",
    { timeout: 240_000 },
    async () => {
      await using folder = await temporaryFolder();
      const data = `${folder.path}/data`;
      await using server = await startControlPlane(["--data", data, "--demo"], {
        apis: true,
        env: FREE_API_PORTS,
      });
      const cookie = await createOwner(server);
      const boardOf = async () =>
        Board.parse(await (await server.get("/api/board", cookie)).json());
      const list = await server.printed(/The domain APIs: (.+)\n/);
      const urls = new Map(list.split(", ").map((it) => [it.split(" ")[0], it.split(" ")[1]]));
      const key = readFileSync(`${data}/api/root-key`, "utf8").trim();
      const itemsOf = async (service: keyof typeof LISTS): Promise<number> => {
        const headers = { authorization: `Bearer ${key}`, connection: "close" };
        const response = await fetch(`${urls.get(service)}${LISTS[service]}`, { headers });
        return Items.parse(await response.json()).items.length;
      };
      await until("customers in the APIs", async () => (await itemsOf("billing")) > 3, WAIT_MS);
      // As the shop does every minute. The last one is still in the bus when the demo is turned off.
      const push = async (): Promise<void> => {
        const event = { "event.dataset": "shop.app", message: "a log line of the shop" };
        const response = await fetch(`${urls.get("logging")}/v1/logs/batch`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
          body: `${JSON.stringify({ ...event, "@timestamp": new Date().toISOString() })}\n`,
        });
        expect(response.ok).toBe(true);
      };
      await push();
      await until(
        "the shop's log on the board",
        async () => (await boardOf()).datasets.some(({ dataset }) => dataset === "shop.app"),
        WAIT_MS,
      );
      expect(filesIn(`${data}/demo`).some((file) => file.includes("mail"))).toBe(true);
      const socket = io(`${server.url}${PROBLEMS_NAMESPACE}`, {
        path: "/socket",
        extraHeaders: { cookie },
        transports: ["websocket"],
      });
      const told = new Promise<void>((resolve) =>
        socket.on("demo", (isOn) => isOn === false && resolve()),
      );
      await until("the socket", () => socket.connected);
      await push();
      const off = await fetch(`${server.url}/api/demo`, { method: "DELETE", headers: { cookie } });
      expect(off.status).toBe(204);
      await told;
      socket.close();
      expect(existsSync(`${data}/demo`)).toBe(false);
      for (const service of ["accounts", "billing", "management"] as const) {
        expect(await itemsOf(service), service).toBe(0);
      }
      const names = await inDatabase(data, (client) =>
        client.query("SELECT datname FROM pg_database WHERE datname LIKE '%demo%'"),
      );
      expect(names.rows).toEqual([]);
      expect(await boardOf()).toMatchObject({ demo: false, datasets: [] });
      // A later start must find nothing either, in the bus or elsewhere.
      expect(await server.end("SIGTERM")).toBe(0);
      await using next = await startControlPlane(["--data", data]);
      const again = await next.get("/api/board", cookie);
      expect(Board.parse(await again.json())).toMatchObject({ demo: false, datasets: [] });
      const { stdout } = await runProgram(["query", "events", "--json", "--data", data]);
      expect(stdout).not.toMatch(/"value": ?[1-9]/);
      const traces = filesIn(data)
        .filter((file) => !file.startsWith(`${data}/postgres`))
        .filter((file) => /customers\.example|shop\.app/.test(readFileSync(file, "latin1")));
      expect(traces).toEqual([]);
    },
  );
});
