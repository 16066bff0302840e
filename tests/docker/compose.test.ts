import { readFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { apiWorkloads } from "#server/apis/workloads.ts";

import { ROOT } from "../harness/program.ts";
import { imageFile } from "./dockerfile.ts";

const Service = z.looseObject({
  extends: z.object({ file: z.string().optional(), service: z.string() }).optional(),
  image: z.string().optional(),
  build: z.object({ target: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  tmpfs: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  network_mode: z.string().optional(),
  healthcheck: z.looseObject({ disable: z.boolean().optional() }).optional(),
});
type Service = z.infer<typeof Service>;
const File = z.object({ services: z.record(z.string(), Service) });

/** A service with what it extends; lists are joined, as the specification says. */
function resolve(file: string, name: string): Service {
  const { services } = File.parse(parse(readFileSync(path.join(ROOT, "docker", file), "utf8")));
  const service = services[name];
  if (!service) throw new Error(`${file} has no service ${name}`);
  if (!service.extends) return service;
  const base = resolve(service.extends.file ?? file, service.extends.service);
  return {
    ...base,
    ...service,
    environment: { ...base.environment, ...service.environment },
    tmpfs: [...base.tmpfs, ...service.tmpfs],
  };
}

const NAMES = Object.keys(
  File.parse(parse(readFileSync(path.join(ROOT, "docker/compose.yaml"), "utf8"))).services,
);

describe("the compose file", () => {
  test.each(NAMES)("lets %s do nothing but its work", (name) => {
    expect(resolve("compose.yaml", name)).toMatchObject({
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
      const front = resolve("compose.yaml", `${name}-front`);
      const workers = resolve("compose.yaml", name);
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
    const ports = NAMES.flatMap((name) => resolve("compose.yaml", name).ports);
    expect(ports.length).toBeGreaterThan(1);
    expect(ports.filter((it) => !it.startsWith("127.0.0.1:"))).toEqual([]);
  });

  test("has no secret in a variable", () => {
    for (const name of NAMES) {
      const { environment } = resolve("compose.yaml", name);
      const secret = /PASSWORD|SECRET|TOKEN|ROOT_KEY|DATABASE_URL/;
      const names = Object.keys(environment).filter((it) => secret.test(it));
      expect(names.filter((it) => !it.endsWith("_FILE"))).toEqual([]);
    }
  });
});
