import { pushRoutes } from "#receivers/http/push-routes.ts";

/** Routes use them when they are called, and only their paths are read here. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const UNUSED = {} as Parameters<typeof pushRoutes>[0];

/** The paths on which the HTTP receiver accepts events. */
export const PUSH_PATHS: readonly string[] = pushRoutes(UNUSED).map(({ path }) => path);
