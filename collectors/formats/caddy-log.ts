import type { Format } from "../format.ts";
import { putApplicationFields } from "./application/fields.ts";
import { APPLICATION_TRAITS } from "./application/traits.ts";
import { textOf } from "./bytes.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "./json-line.ts";
import { RowWriter } from "./text-line.ts";

/** Names of Caddy's loggers; other programs with the same logging library have other names. */
const LOGGER =
  /"logger":"(?:admin(?:\.api)?|caddy(?:\.[\w.-]+)?|caddyfile|http(?:\.(?:auto_https|authentication|encoders|handlers|log\.error|matchers|reverse_proxy|stdlib|vars|log\.access)(?:\.[\w.-]+)?)?|tls(?:\.[\w.-]+)?|pki(?:\.[\w.-]+)?|events|watcher|storage|layer4(?:\.[\w.-]+)?|docker-proxy)"/;
/** What Caddy writes without a logger. */
const MESSAGE =
  /"msg":"(?:using (?:provided|adjacent|config|existing)|serving initial configuration|autosaved config|GOMAXPROCS|maxprocs|GOMEMLIMIT|adapted config|shutdown complete|shutting down|exiting|redirected default logger|successfully started Caddy)/;
const HEAD_BYTES = 2048;

/** Caddy's own log: JSON lines of its servers, certificates and configuration. */
export const caddyLog: Format = {
  dataset: "caddy.log",
  title: "Caddy's own log",
  requests: "none",
  traits: APPLICATION_TRAITS,
  detection: {
    evidence: (_batch, line) => {
      const head = textOf(line, 0, Math.min(line.length, HEAD_BYTES));
      return LOGGER.test(head) || MESSAGE.test(head) ? 4 : -1;
    },
  },
  open(batch, context) {
    const row = new RowWriter(batch, context);
    return (bytes, start, end) => {
      const parsed = parseJsonLine(bytes, start, end);
      if ("reason" in parsed) return parsed.reason;
      const { level, ts, msg } = parsed.object;
      if (typeof level !== "string" || typeof msg !== "string" || ts === undefined)
        return "not a line of Caddy's own log: it has no level, ts and msg";
      const fields = flatten(parsed.object);
      if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
      row.begin();
      const refused = putApplicationFields(row, fields);
      if (refused === undefined) row.end();
      return refused;
    };
  },
};
