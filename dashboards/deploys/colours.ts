import { z } from "zod";

/** One colour of a workload serves, and the other receives the next release. */
export const Colour = z.enum(["blue", "green"]);
/** A value for each colour. */
export const colours = <Of extends z.ZodType>(of: Of) => z.object({ blue: of, green: of });

/** Epoch ms; null: not yet, or never. */
export const Time = z.number().nullable();
