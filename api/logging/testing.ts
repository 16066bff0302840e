import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type TestOptions, type TestService, testService } from "#api/kit/testing.ts";
import { logging } from "#server/apis/logging.ts";

export type TestLogging = TestService & { dataFolder: string };

/** Logging on a data folder of its own, where it moves the bus into the store itself. */
export async function testLogging(options: TestOptions = {}): Promise<TestLogging> {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck logging "));
  const service = await testService(logging, {
    ...options,
    env: { QUARTERDECK_DATA: dataFolder, ...options.env },
  });
  const stop = async (): Promise<void> => {
    await service.stop();
    await rm(dataFolder, { recursive: true, force: true });
  };
  return { ...service, dataFolder, stop, [Symbol.asyncDispose]: stop };
}
