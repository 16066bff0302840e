import { readFileSync } from "node:fs";
import path from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import { ROOT } from "../harness/program.ts";

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

/** A service of docker/compose.yaml. */
export const composeService = (name: string): Service => resolve("compose.yaml", name);

export const composeServices = (): string[] =>
  Object.keys(
    File.parse(parse(readFileSync(path.join(ROOT, "docker/compose.yaml"), "utf8"))).services,
  );
