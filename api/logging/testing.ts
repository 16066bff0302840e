import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type TestOptions, type TestService, testService } from "#api/kit/testing.ts";
import { silentLog } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { logging } from "#server/apis/logging.ts";
import { runStandbyIndexer } from "#server/indexer/standby.ts";
import { indexSettings } from "#server/settings.ts";

export type TestLogging = TestService & { dataFolder: string };

/** Logging on its own data folder, with an indexer. */
export async function testLogging(options: TestOptions = {}): Promise<TestLogging> {
  const dataFolder = await mkdtemp(join(tmpdir(), "quarterdeck logging "));
  const env = { QUARTERDECK_DATA: dataFolder, ...options.env };
  const stopping = new AbortController();
  const { index: settings } = parseSettings({ index: indexSettings }, env);
  const indexing = runStandbyIndexer({ settings, log: silentLog() }, stopping.signal);
  const service = await testService(logging, { ...options, env });
  const stop = async (): Promise<void> => {
    await service.stop();
    stopping.abort();
    await indexing;
    await rm(dataFolder, { recursive: true, force: true });
  };
  return { ...service, dataFolder, stop, [Symbol.asyncDispose]: stop };
}
