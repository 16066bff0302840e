import type { BusProducer } from "#pipeline/bus/port.ts";
import type { CurrentStore } from "#pipeline/store/port.ts";

import type { Normalise } from "../domain/normalise.ts";
import type { LoggingKit } from "../kit.ts";
import type { DatasetRoom } from "./dataset-room.ts";
import type { TailHub } from "./tail-hub.ts";

export type Deps = {
  kit: LoggingKit;
  bus: BusProducer;
  stores: CurrentStore;
  normalise: Normalise;
  datasets: DatasetRoom;
  tails: TailHub;
};
