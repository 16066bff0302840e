import { z } from "zod";

import type { SettingGroup } from "#platform/settings/settings.ts";

const url = z.url({ error: "give a URL, such as file:///mnt/large/store" });

export const storeSettings = {
  /** Undefined: in the data folder. */
  storeUrl: {
    variable: "QUARTERDECK_STORE_URL",
    schema: url,
    description:
      "URL of the event store, for example file:///mnt/large/store. Default: the folder store in the data folder.",
  },
} satisfies SettingGroup;

export const busSettings = {
  /** Undefined: in the data folder. */
  busUrl: {
    variable: "QUARTERDECK_BUS_URL",
    schema: url,
    description:
      "URL of the bus, which keeps pushed events until they are stored, for example file:///mnt/fast/bus. Default: the folder bus in the data folder.",
  },
} satisfies SettingGroup;
