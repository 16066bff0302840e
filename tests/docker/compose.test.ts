import { describe, expect, test } from "vitest";

import { apiWorkloads } from "#server/apis/workloads.ts";

import { composeService, composeServices } from "./compose.ts";
import { imageFile } from "./dockerfile.ts";

const NAMES = composeServices();

describe("the compose file", () => {
  test.each(NAMES)("lets %s do nothing but its work", (name) => {
    expect(composeService(name)).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
      deploy: {
        resources: {
          limits: {
            cpus: expect.any(String),
            memory: expect.any(String),
            pids: expect.any(Number),
          },
        },
      },
    });
  });

  test.each(apiWorkloads({ hasNginx: true }))(
    "runs $name as its task definition says",
    ({ name, programs }) => {
      const place = { own: "0.0.0.0", peer: "127.0.0.1", port: String };
      const front = composeService(`${name}-front`);
      const workers = composeService(name);
      expect(workers.build?.target).toBe(name);
      expect(front.image).toBe(workers.image);
      expect(front.network_mode).toBe(`service:${name}`);
      const commands = [workers.command ?? imageFile(name).command("CMD"), front.command];
      expect(commands).toEqual(programs.map(({ command }) => command));
      const [ofWorkers, ofFront] = programs.map((it) => it.placeVariables(place));
      // Their port and how long nginx serves after SIGTERM have these values by default.
      expect(ofWorkers).toMatchObject({
        QUARTERDECK_HOST: workers.environment["QUARTERDECK_HOST"],
      });
      expect(ofFront).toMatchObject(front.environment);
      const shared = programs.some(({ files }) => files === "shared");
      expect(workers.volumes).toEqual(shared ? ["data:/data"] : []);
      const data = workers.tmpfs.some((it) => it.startsWith("/data:"));
      expect(data).toBe(!shared);
    },
  );

  test("keeps ports on this machine", () => {
    const ports = NAMES.flatMap((name) => composeService(name).ports);
    expect(ports.length).toBeGreaterThan(1);
    expect(ports.filter((it) => !it.startsWith("127.0.0.1:"))).toEqual([]);
  });

  test("has no secret in a variable", () => {
    for (const name of NAMES) {
      const { environment } = composeService(name);
      const secret = /PASSWORD|SECRET|TOKEN|ROOT_KEY|DATABASE_URL/;
      const names = Object.keys(environment).filter((it) => secret.test(it));
      expect(names.filter((it) => !it.endsWith("_FILE"))).toEqual([]);
    }
  });
});
