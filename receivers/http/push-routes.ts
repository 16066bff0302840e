import type { Route } from "#platform/http/route.ts";

import { bulkRoutes } from "../elasticsearch/bulk-routes.ts";
import { handshakeRoutes } from "../elasticsearch/handshake-routes.ts";
import { firehoseRoutes } from "../firehose/firehose-routes.ts";
import { gelfRoutes } from "../gelf/gelf-routes.ts";
import { lokiRoutes } from "../loki/loki-routes.ts";
import { otlpRoutes } from "../otlp/otlp-routes.ts";
import type { SnsDeps } from "../sns/sns-inbox.ts";
import { snsRoutes } from "../sns/sns-routes.ts";
import { splunkRoutes } from "../splunk/splunk-routes.ts";
import type { PushDeps } from "./deliver.ts";
import { eventRoutes } from "./events-routes.ts";
import type { TokenRule } from "./token-access.ts";

/** The routes of all protocols. Their paths are those that shippers expect, so they differ. */
export const pushRoutes = (deps: PushDeps & SnsDeps): Route<TokenRule>[] => [
  ...eventRoutes(deps),
  ...bulkRoutes(deps),
  ...otlpRoutes(deps),
  ...splunkRoutes(deps),
  ...lokiRoutes(deps),
  ...gelfRoutes(deps),
  ...snsRoutes(deps),
  ...firehoseRoutes(deps),
  // Its paths have parameters, so it comes last.
  ...handshakeRoutes(),
];
