import { defineService } from "#api/kit/service.ts";
import { loggingService } from "#api/logging/service.ts";

import { startOwnIngest } from "../indexer/own-ingest.ts";
import { PIPELINE } from "../pipeline-ports.ts";
import { loggingSettings } from "./service-settings.ts";

const service = loggingService(PIPELINE);

/** Logging, which also moves what it takes into the store where no control plane does. */
export const logging = defineService({
  ...service,
  settings: loggingSettings,
  async open(kit, settings) {
    const opened = await service.open(kit, settings);
    const ingest = startOwnIngest({ config: settings, log: kit.log });
    return {
      ...opened,
      close: async () => {
        await ingest[Symbol.asyncDispose]();
        await opened.close?.();
      },
    };
  },
});
