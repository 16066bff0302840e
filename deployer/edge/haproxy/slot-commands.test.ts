import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Slot } from "#deployer/drivers.ts";

import { type Command, slotCommands } from "./slot-commands.ts";

const ADDRESSES = [null, "10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"] as const;
const anySlot: fc.Arbitrary<Slot> = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  state: fc.constantFrom("maint", "drain", "ready"),
});

/** What HAProxy does with the commands. `checked`: up by checks that it has passed with its address. */
type Server = Slot & { checked: boolean; weight: number };

const COMMAND = /^set server web_blue\/s(\d+) (addr|state|health|weight) (\S+)(?: port (\d+))?$/;

const PERFORM: Record<string, (server: Server, value: string, port?: string) => void> = {
  addr(server, value, port) {
    // I5: an address changes only in maint.
    expect(server.state).toBe("maint");
    const host = value.includes(":") ? `[${value}]` : value;
    server.address = host === "127.0.0.1" && port === "65535" ? null : `${host}:${port}`;
  },
  state(server, value) {
    // A server that leaves maint is up by its last check.
    if (server.state === "maint" && value !== "maint") server.checked = true;
    server.state = value as Slot["state"];
  },
  health(server) {
    server.checked = false;
  },
  weight(server, value) {
    server.weight = Number(value);
  },
};

function perform(servers: Server[], { text }: Command): void {
  for (const command of text.split("; ")) {
    const [, index, what = "", value = "", port] = COMMAND.exec(command) ?? [];
    const server = servers[Number(index) - 1];
    if (server === undefined) throw new Error(`unknown: ${command}`);
    PERFORM[what]?.(server, value, port);
  }
}

describe("commands for the slots of a backend", () => {
  test("lead from any state to any other; none is up by the checks of an earlier task", () => {
    const pair = fc.record({ running: anySlot, wanted: anySlot }).map(({ running, wanted }) =>
      // Others are refused before.
      running.state === "maint"
        ? { running, wanted }
        : { running, wanted: { ...wanted, address: running.address } },
    );
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const running = pairs.map((it) => it.running);
        const wanted = pairs.map((it) => it.wanted);
        const servers: Server[] = running.map((slot) => ({
          ...slot,
          checked: slot.state !== "maint",
          weight: slot.state === "drain" ? 0 : 100,
        }));
        const { entering, leaving } = slotCommands("web_blue", { running, wanted });
        for (const command of entering) {
          const ready = servers.filter(({ state }) => state === "ready").length;
          perform(servers, command);
          // Nothing that serves is taken away before the route has changed.
          expect(servers.filter(({ state }) => state === "ready").length).toBeGreaterThanOrEqual(
            ready,
          );
        }
        for (const command of leaving) perform(servers, command);
        expect(servers.map(({ address, state }) => ({ address, state }))).toEqual(wanted);
        for (const [at, server] of servers.entries()) {
          if (server.state === "ready") expect(server.weight).toBe(100);
          if (running[at]?.state === "maint") expect(server.checked).toBe(false);
        }
      }),
    );
  });

  test("nothing is sent for slots that are as they shall be", () => {
    fc.assert(
      fc.property(fc.array(anySlot), (slots) => {
        const { entering, leaving } = slotCommands("b", { running: slots, wanted: slots });
        expect([...entering, ...leaving]).toEqual([]);
      }),
    );
  });

  test("a worker without health checks is not told to wait for them", () => {
    const running: Slot[] = [{ address: "10.0.0.1:80", state: "maint" }];
    const wanted: Slot[] = [{ address: "10.0.0.1:80", state: "ready" }];
    const { entering } = slotCommands("b", { running, wanted }, false);
    expect(entering.map(({ text }) => text).join()).not.toContain("health");
  });
});
