import { ORIGINAL_BYTES } from "#collectors/fields.ts";

import { identifier } from "./duck.ts";

/** The bytes of the original line. Text is stored as it was, as valid UTF-8. */
export const ORIGINAL_SQL = `coalesce(${identifier(ORIGINAL_BYTES)}, encode(${identifier("event.original")}))`;
