import { covers } from "#pipeline/dataset-names.ts";

import type { PushToken } from "../tokens/push-token.ts";
import type { Refusal } from "./document.ts";

/**
 * The dataset of an event. `dataset`: certainly this one. Otherwise its format decides, and it is `unread` if no format can
 * read it.
 */
export type Placed =
  | { ok: true; dataset?: string; unread?: string }
  | { ok: false; refusal: Refusal };

/**
 * Places an event whose sender named a dataset, or none, where the token may write. A token that may not write to all
 * datasets cannot leave the choice to the format: it writes to its only dataset.
 */
export function placeEvent(
  { name, datasets }: PushToken,
  { named, unread }: { named?: string | undefined; unread?: string | undefined },
): Placed {
  if (datasets.includes("*")) {
    if (named !== undefined) return { ok: true, dataset: named };
    return { ok: true, ...(unread !== undefined && { unread }) };
  }
  const [first = ""] = datasets;
  const only = datasets.length === 1 && !first.includes("*") ? first : undefined;
  const dataset = named ?? only ?? unread;
  if (dataset !== undefined && covers(datasets, dataset)) return { ok: true, dataset };
  const may = `the token ${name} may write to ${datasets.join(", ")}`;
  const message =
    dataset === undefined ? `name the dataset: ${may}` : `${may}, and not to ${dataset}`;
  return { ok: false, refusal: { code: "forbidden", message } };
}
