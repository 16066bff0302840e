import { reportingService } from "#api/reporting/service.ts";

import { PIPELINE } from "../pipeline-ports.ts";

export const reporting = reportingService(PIPELINE);
