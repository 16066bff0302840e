import type { Service } from "#api/kit/service.ts";
import { loggingService } from "#api/logging/service.ts";
import type { SettingsOf } from "#platform/settings/settings.ts";

import { startOwnIngest } from "../indexer/own-ingest.ts";
import { PIPELINE } from "../pipeline-ports.ts";
import { loggingSettings } from "./service-settings.ts";

const service = loggingService(PIPELINE);

/** Logging, which also moves what it takes into the store where no control plane does. */
export const logging: Service = {
  ...service,
  settings: loggingSettings,
  async open(kit, settings) {
    const opened = await service.open(kit, settings);
    // `Service` forgets the type of the settings that it declares.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const config = settings as SettingsOf<typeof loggingSettings>;
    const ingest = startOwnIngest({ config, log: kit.log });
    return {
      ...opened,
      close: async () => {
        await ingest[Symbol.asyncDispose]();
        await opened.close?.();
      },
    };
  },
};
