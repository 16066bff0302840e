import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { TestProject } from "vitest/node";

import { startEmbedded } from "../../platform/postgres/embedded.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A real PostgreSQL for all tests of a run; each makes a database of its own in it. */
    postgresUrl: string;
  }
}

/** Vitest's global setup: one embedded PostgreSQL for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-postgres-"));
  const server = await startEmbedded(folder);
  project.provide("postgresUrl", server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
