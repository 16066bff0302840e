import type { Kit } from "#api/kit/service.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import type { CurrentStore } from "#pipeline/store/port.ts";

import type { Normalise } from "../domain/normalise.ts";
import type { TailHub } from "./tail-hub.ts";

export type Deps = {
  kit: Kit;
  bus: BusProducer;
  stores: CurrentStore;
  normalise: Normalise;
  tails: TailHub;
};
