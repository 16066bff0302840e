import type { Asking, EventReader, RollupReader, StoreMaintenance } from "./store/port.ts";

type Questions = Omit<EventReader, "follow"> & RollupReader & Pick<StoreMaintenance, "status">;

/** A store whose questions are asked on behalf of an asker. */
export const forAsker = (store: Questions, asking: Asking): Questions => ({
  search: (request) => store.search({ ...request, ...asking }),
  event: (id) => store.event(id, asking),
  original: (id) => store.original(id, asking),
  originals: (request) => store.originals({ ...request, ...asking }),
  facets: (request) => store.facets({ ...request, ...asking }),
  aggregate: (request) => store.aggregate({ ...request, ...asking }),
  cells: (request) => store.cells({ ...request, ...asking }),
  extents: () => store.extents(),
  status: () => store.status(),
});
