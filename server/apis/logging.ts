import { loggingService } from "#api/logging/service.ts";

import { PIPELINE } from "../pipeline-ports.ts";

export const logging = loggingService(PIPELINE);
