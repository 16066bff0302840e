import { z } from "zod";

/** 0 means any free port. */
export const portNumber = z.coerce
  .number({ error: "give a port number from 0 to 65535" })
  .int({ error: "give a whole port number" })
  .min(0, { error: "give a port number from 0 to 65535" })
  .max(65_535, { error: "give a port number from 0 to 65535" });
