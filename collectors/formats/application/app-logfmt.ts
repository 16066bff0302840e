import type { Format } from "#collectors/format.ts";

import { openTextLine } from "../text-line.ts";
import { putApplicationFields } from "./fields.ts";
import { parseLogfmt } from "./logfmt.ts";
import { roleOf } from "./names.ts";
import { APPLICATION_TRAITS } from "./traits.ts";

/** Other lines have an equals sign too: a line is logfmt if it has at least so many pairs, one of which is known. */
const PAIRS_MIN = 2;
const FIRST_PAIR = /^[A-Za-z_@$][\w.@$-]{0,127}=/;

/** `time=2026-03-14T10:11:12Z level=info msg="started" port=8080`, as Go's slog, logrus and Heroku write. */
export const appLogfmt: Format = {
  dataset: "app.logfmt",
  title: "application log as logfmt, also of Lograge",
  requests: "mixed",
  isGeneric: true,
  traits: APPLICATION_TRAITS,
  open(batch, context) {
    return openTextLine(batch, context, (text, row) => {
      if (!FIRST_PAIR.test(text.slice(0, 130)))
        return "not logfmt: the line does not begin with name=value";
      const pairs = parseLogfmt(text);
      if (typeof pairs === "string") return pairs;
      if (pairs.size < PAIRS_MIN || !(isRailsRequest(pairs) || [...pairs.keys()].some(isKnown)))
        return "not logfmt: it has no level, message or time";
      return putApplicationFields(row, pairs);
    });
  },
};

/** A request of Rails as Lograge writes it, which has no level. Its duration is in milliseconds. */
function isRailsRequest(pairs: Map<string, unknown>): boolean {
  const isRequest = ["method", "path", "controller", "action", "status"].every((it) =>
    pairs.has(it),
  );
  const duration = pairs.get("duration");
  if (!isRequest || typeof duration !== "number") return isRequest;
  pairs.delete("duration");
  pairs.set("duration_ms", duration);
  return true;
}

const KNOWN = new Set(["level", "message", "time"]);
const isKnown = (name: string): boolean => KNOWN.has(roleOf(name)?.role ?? "");
