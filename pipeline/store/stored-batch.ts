import { isDeepStrictEqual } from "node:util";

import type { Positions } from "#collectors/source.ts";

/** Whether a batch that ends at these positions is stored (`EventWriter.append`). */
export const isStored = (batch: Positions, stored: Positions): boolean =>
  batch.size > 0 &&
  [...batch].every(([id, position]) => isDeepStrictEqual(position, stored.get(id)));
